// What networks with one body for both heads, or a body for each, have in common: inputs, heads and methods.
#pragma once

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <marginalia/network.h>
#include <marginalia/site_terms.h>

#include "mixed_heads.h"

#include <cmath>
#include <string>
#include <vector>

namespace marginalia {

// A body is TorchScript source with two methods, PREFIX being "" for the one body, or "theta_" and "phi_" for two:
//   PREFIXfeatures(inputs)            (B, D, I) -> (B, D, C)
//   PREFIXfeatures_at(inputs, site)   (B, D, I), (B) -> (B, C): the same at one site a row
// I = K + 1 one-hot symbols, □ being the last, with `known_fraction` the fraction of known sites of the row, the same
// at every site, and `places`, the same for every row. The body may call self.at_site(h, site), (B, D, C), (B) -> (B,
// C).
//
//   logits of p_φ(x_d | x_S) = V h_d(x_S) + c                             parameters phi_v (K, C), phi_c (K)
//   log p_θ(x_S), with the readout
//     linear     C^-1/2 sum_d u·(h_d(x_S) - h_d(all □)) - |S| log K         u = sum_m w_m u_m, parameter theta_u (M, C)
//     softmax    sum over d in S of sum_m w_m log softmax(V_m h_d(x_S) + c_m)[x_d]      theta_v (M, K, C), theta_c (M,
//     K)
//
// M and w are those of the profile (site_terms.h); node m is the term of u_m in place of u, or that of V_m and c_m. All
// heads begin at zero. The linear readout's value at all □ comes from one more row of the batch. Parameters whose names
// begin with theta_ serve log p_θ alone, with phi_ the conditionals alone, others both; where there are two bodies,
// each parameter theta_NAME of a body has a counterpart phi_NAME of the same shape.
struct TwoHeads {
    Domain domain;
    std::int64_t width = 0;  // C
    bool two_bodies = false;
    bool known_fraction = true;
    bool softmax = false;    // the readout of log p_θ
    at::Tensor places = {};  // (D, J) float32, inputs of the sites' own, which do not learn; undefined: none
    std::int64_t components =
        0;  // of mixtures (mixed_sites.h), for a network that takes sites that differ; 0: it does not

    MixedSites sites() const { return {domain, components}; }
    bool mixed() const { return components > 0 && sites().any(); }
    std::int64_t inputs() const {
        const std::int64_t of_site = mixed() ? sites().inputs() : domain.categories + 1;
        return of_site + (known_fraction ? 1 : 0) + (places.defined() ? places.size(1) : 0);
    }
    std::vector<std::string> prefixes() const {
        return two_bodies ? std::vector<std::string>{"theta_", "phi_"} : std::vector<std::string>{""};
    }
};

namespace two_heads {

constexpr std::int64_t nodes = 16;  // M

constexpr Parameter bodies = {
    .name = "bodies",
    .type = ParameterType::integer,
    .fallback = "1",
    .minimum = 1,
    .maximum = 2,
    .unit = "bodies",
    .help = "1: one body with two heads; 2: weights of their own for marginals and conditionals"};

constexpr Parameter known_fraction = {.name = "known_fraction",
                                      .type = ParameterType::boolean,
                                      .fallback = "true",
                                      .help = "give the fraction of known sites to every site as one more input"};

constexpr Parameter readout = {
    .name = "readout",
    .type = ParameterType::text,
    .fallback = "\"linear\"",
    .choices = "linear|softmax",
    .help =
        "of log p_θ: softmax, a sum of log-probabilities of the known symbols, for what conditionals "
        "teach (mam-distill); linear, a sum over all sites"};

constexpr const char* inputs_with_fraction = R"(
    def inputs(self, x: Tensor) -> Tensor:
        known = (x < {categories}).to(self.phi_v.dtype).mean([1], keepdim=True)
        one_hot = {one_hot}.to(self.phi_v.dtype)
        return {placed}(torch.cat([one_hot, known.unsqueeze(2).expand(-1, {sites}, 1)], 2))
)";

constexpr const char* inputs_alone = R"(
    def inputs(self, x: Tensor) -> Tensor:
        return {placed}({one_hot}.to(self.phi_v.dtype))
)";

constexpr const char* with_places = R"(
    def with_places(self, inputs: Tensor) -> Tensor:
        return torch.cat([inputs, self.place_inputs.unsqueeze(0).expand(inputs.size(0), -1, -1)], 2)
)";

// Heads in products and sums of float32, or as products of doubles: TorchScript casts `mv` and `linear` of float32 to
// bfloat16 under autocast.
constexpr const char* heads = R"(
    def at_site(self, h: Tensor, site: Tensor) -> Tensor:
        return h.gather(1, site.view(-1, 1, 1).expand(-1, 1, h.size(2))).squeeze(1)

    def log_marginal(self, x: Tensor) -> Tensor:
        return self.marginals(self.{theta}features(self.marginal_inputs(x)), x)

    def conditional_logits(self, x: Tensor) -> Tensor:
        return self.logits(self.{phi}features(self.inputs(x)))

    def conditional_at(self, x: Tensor, site: Tensor) -> Tensor:
        return self.logits_at(self.{phi}features_at(self.inputs(x), site), site)
)";

// The same at every site, and what is for symbols alone.
constexpr const char* symbol_heads = R"(
    def logits(self, h: Tensor) -> Tensor:
        return torch.linear(h, self.phi_v, self.phi_c).to(self.phi_v.dtype)

    def logits_at(self, h: Tensor, site: Tensor) -> Tensor:
        return self.logits(h)

    def relaxed_inputs(self, p: Tensor) -> Tensor:
        # The symbol □ and the fraction of known sites: 0 and 1.
        return {placed}(torch.constant_pad_nd(torch.constant_pad_nd(p, [0, 1], 0.0), [0, {fractions}], 1.0))
)";

constexpr const char* linear_readout = R"(
    def marginal_inputs(self, x: Tensor) -> Tensor:
        return self.inputs(torch.cat([x, torch.full([1, {sites}], {categories}, dtype=x.dtype, device=x.device)]))

    def mean_u(self) -> Tensor:
        return (self.theta_u * self.profile_weights).sum([0])

    def scores(self, h: Tensor) -> Tensor:
        # The last row of h belongs to the state of all □.
        score = (h.sum([1], dtype=self.theta_u.dtype) * self.mean_u()).sum([1]) * {score_scale}
        return score[:-1] - score[-1]
)";

constexpr const char* linear_of_symbols = R"(
    def marginals(self, h: Tensor, x: Tensor) -> Tensor:
        score = self.scores(h)
        return score - {log_categories} * (x < {categories}).sum(1).to(score.dtype)

    def log_marginal_profile(self, x: Tensor) -> Tensor:
        h = self.{theta}features(self.marginal_inputs(x))
        score = torch.linear(h.double(), self.theta_u.double()).to(self.theta_u.dtype) * {score_scale}
        return score[:-1] - score[-1:] - {log_categories} * (x < {categories}).to(score.dtype).unsqueeze(2)

    def log_marginal_relaxed(self, p: Tensor) -> Tensor:
        none = torch.constant_pad_nd(torch.zeros_like(p[:1]), [0, 1], 1.0)
        blank = {placed}(torch.constant_pad_nd(none, [0, {fractions}], 0.0))
        inputs = torch.cat([self.relaxed_inputs(p), blank])
        return self.scores(self.{theta}features(inputs)) - {sites} * {log_categories}
)";

constexpr const char* softmax_readout = R"(
    def marginal_inputs(self, x: Tensor) -> Tensor:
        return self.inputs(x)

    def marginals(self, h: Tensor, x: Tensor) -> Tensor:
        return (self.profile(h, x).sum([1]) * self.profile_weights.squeeze(1)).sum([1])

    def log_marginal_profile(self, x: Tensor) -> Tensor:
        return self.profile(self.{theta}features(self.marginal_inputs(x)), x)
)";

constexpr const char* softmax_of_symbols = R"(
    def log_softmaxes(self, h: Tensor) -> Tensor:
        # (B, D, C) -> (B, D, K, M): over few symbols a softmax along the last dimension takes ten times as long.
        v = self.theta_v.transpose(0, 1).double().flatten(0, 1)
        logits = torch.linear(h.double(), v).to(self.theta_v.dtype).view(h.size(0), h.size(1), {categories}, {nodes})
        return torch.log_softmax(logits + self.theta_c.t(), 2)

    def profile(self, h: Tensor, x: Tensor) -> Tensor:
        symbol = x.clamp_max({categories} - 1).view(x.size(0), -1, 1, 1).expand(-1, -1, 1, {nodes})
        return self.log_softmaxes(h).gather(2, symbol).squeeze(2) * (x < {categories}).unsqueeze(2)

    def log_marginal_relaxed(self, p: Tensor) -> Tensor:
        log_p = self.log_softmaxes(self.{theta}features(self.relaxed_inputs(p)))
        return ((log_p * self.profile_weights.squeeze(1)).sum([3]) * p).sum([1, 2])
)";

constexpr const char* joint_of_one = R"(
    def joint(self, x: Tensor, site: Tensor) -> Tuple[Tensor, Tensor]:
        h = self.features(self.marginal_inputs(x))
        return self.marginals(h, x), self.logits_at(self.at_site(h[:site.size(0)], site), site)
)";

constexpr const char* joint_of_two = R"(
    def joint(self, x: Tensor, site: Tensor) -> Tuple[Tensor, Tensor]:
        inputs = self.marginal_inputs(x)
        marginal = self.marginals(self.theta_features(inputs), x)
        return marginal, self.logits_at(self.phi_features_at(inputs[:site.size(0)], site), site)
)";

}  // namespace two_heads

// Uniform in ±1/sqrt(inputs), as torch.nn.Linear begins.
inline at::Tensor uniform_weights(at::IntArrayRef shape, std::int64_t inputs, at::Generator& generator) {
    const double bound = 1 / std::sqrt(static_cast<double>(inputs));
    return at::empty(shape).uniform_(-bound, bound, generator);
}

namespace two_heads {

inline void add_symbol_heads(NetworkBuilder& network, const TwoHeads& shape) {
    const std::int64_t categories = shape.domain.categories;
    if (shape.softmax) {
        network.parameter("theta_v", at::zeros({nodes, categories, shape.width}));
        network.parameter("theta_c", at::zeros({nodes, categories}));
    } else {
        network.parameter("theta_u", at::zeros({nodes, shape.width}));
    }
    network.buffer("profile_weights", profile_weights(nodes).unsqueeze(1));
    network.parameter("phi_v", at::zeros({categories, shape.width}));
    network.parameter("phi_c", at::zeros({categories}));
}

// Each site has its own weights, as columns of a table have little in common.
inline void add_mixed_heads(NetworkBuilder& network, const TwoHeads& shape) {
    const at::Tensor start = shape.sites().start();  // (D, W)
    const std::int64_t sites = start.size(0), numbers = start.size(1);
    if (shape.softmax) {
        network.parameter("theta_v", at::zeros({nodes, sites, numbers, shape.width}));
        network.parameter("theta_c", start.repeat({nodes, 1, 1}));
    } else {
        network.parameter("theta_u", at::zeros({nodes, shape.width}));
    }
    network.buffer("profile_weights", profile_weights(nodes).unsqueeze(1));
    network.parameter("phi_v", at::zeros({sites, numbers, shape.width}));
    network.parameter("phi_c", start);
    shape.sites().add_to(network);
}

inline std::string readout_source(const TwoHeads& shape) {
    if (shape.softmax) return std::string(softmax_readout) + (shape.mixed() ? softmax_of_mixed : softmax_of_symbols);
    return std::string(linear_readout) + (shape.mixed() ? linear_of_mixed : linear_of_symbols);
}

}  // namespace two_heads

// Adds the heads' parameters and defines all methods; `bodies` is the source of the body or bodies.
inline void define_with_heads(NetworkBuilder& network, const TwoHeads& shape, const std::string& bodies) {
    const std::int64_t categories = shape.domain.categories;
    const bool mixed = shape.mixed(), placed = shape.places.defined();
    mixed ? two_heads::add_mixed_heads(network, shape) : two_heads::add_symbol_heads(network, shape);
    if (placed) network.buffer("place_inputs", shape.places);
    const std::string source =
        std::string(placed ? two_heads::with_places : "") +
        std::string(shape.known_fraction ? two_heads::inputs_with_fraction : two_heads::inputs_alone) +
        two_heads::heads + (mixed ? two_heads::mixed_heads : two_heads::symbol_heads) +
        two_heads::readout_source(shape) + (shape.two_bodies ? two_heads::joint_of_two : two_heads::joint_of_one);
    const std::string methods = fmt::format(
        fmt::runtime(source), fmt::arg("categories", categories), fmt::arg("symbols", categories + 1),
        fmt::arg("one_hot",
                 mixed ? std::string("self.mixed_inputs(x)") : fmt::format("torch.one_hot(x, {})", categories + 1)),
        fmt::arg("nodes", two_heads::nodes), fmt::arg("sites", shape.domain.sites),
        fmt::arg("fractions", shape.known_fraction ? 1 : 0), fmt::arg("placed", placed ? "self.with_places" : ""),
        fmt::arg("theta", shape.prefixes().front()), fmt::arg("phi", shape.prefixes().back()),
        fmt::arg("score_scale", 1 / std::sqrt(static_cast<double>(shape.width))),
        fmt::arg("log_categories", std::log(static_cast<double>(categories))));
    network.define((mixed ? shape.sites().source() : "") + bodies + methods);
}

}  // namespace marginalia
