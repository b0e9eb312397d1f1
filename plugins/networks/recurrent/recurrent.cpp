#include <ATen/ATen.h>
#include <fmt/format.h>
#include <marginalia/network.h>

#include "../two_heads.h"

namespace {

using marginalia::Domain;
using marginalia::Parameter;
using marginalia::ParameterType;
using marginalia::Params;
using marginalia::TwoHeads;

constexpr Parameter parameters[] = {
    {.name = "width",
     .type = ParameterType::integer,
     .fallback = "64",
     .minimum = 1,
     .maximum = 8192,
     .unit = "units",
     .help = "state of each direction"},
    {.name = "feed_forward",
     .type = ParameterType::integer,
     .fallback = "0",
     .minimum = 0,
     .maximum = 65536,
     .unit = "units",
     .help = "hidden units of the part that joins the directions; 0: four times the width"},
    {.name = "pool",
     .type = ParameterType::boolean,
     .fallback = "false",
     .help = "give every site a sum over all of them, for what adds up over a sequence"},
    marginalia::two_heads::bodies,
    marginalia::two_heads::known_fraction,
    marginalia::two_heads::readout,
};

constexpr const char* manual = R"(A recurrent network in both directions, for sequences that a machine with a state can
read: in SELFIES the meaning of a token depends on the bonds that are free where it comes, in text on the words before
it.

    e_d = E (onehot(x_d), fraction of known sites) + P_d                     onehot: K+1 symbols, □ being one
    f_d = gru(e_d, f_(d-1)),   b_d = gru(e_d, b_(d+1))                       gated recurrent units of `width` each
    h_d = n_d + W_2 gelu(W_1 n_d + b_1) + b_2,   n_d = norm(f_d, b_d)        W_2 begins at zero; with `pool`
                                                                             D^-1/2 W_3 sum of all n_d is added to b_1
    log p_θ(x_S) = C^-1/2 sum_d u·(norm(h_d(x_S)) - norm(h_d(all □))) - |S| log K                  readout linear
                 = sum over d in S of ∫ log softmax(V_v norm(h_d(x_S)) + c_v)[x_d] d sin²(π v / 2)    readout softmax
    logits of p_φ(x_d | x_S) = V norm(h_d(x_S)) + c

`pool` is for properties that are sums over a sequence, such as log P over atoms: states that read site by site forget
them, and every site sees the sum at once.

A pass takes D steps one after another, each a product of (batch, width) with (width, 3 width): long sequences are slow
where the batch is small. Layouts of several axes are read row by row. All heads begin at zero, and log p_θ(all □) = 0
by construction. On readouts see unet. With two bodies the parameters of log p_θ have names that begin with theta_,
those of p_φ with phi_.

References: K. Cho et al., Learning phrase representations using RNN encoder-decoder, EMNLP 2014 (arXiv 1406.1078). M.
Schuster, K. K. Paliwal, Bidirectional recurrent neural networks, IEEE Trans. Signal Process. 45, 2673 (1997).)";

constexpr const char* norm = R"(
    def norm(self, h: Tensor) -> Tensor:
        return torch.layer_norm(h, [{features}], None, None, 1e-5)
)";

constexpr const char* body = R"(
    def {p}states(self, inputs: Tensor) -> Tensor:
        e = torch.linear(inputs, self.{p}embed_w)
        e = e + self.{p}places.to(e.dtype)
        weights = [self.{p}forward_in, self.{p}forward_state, self.{p}forward_in_b, self.{p}forward_state_b,
                   self.{p}back_in, self.{p}back_state, self.{p}back_in_b, self.{p}back_state_b]
        return marginalia.gru(e, weights)

    def {p}joined(self, n: Tensor, bias: Tensor) -> Tensor:
        g = marginalia.gelu(torch.linear(n, self.{p}w1) + bias)
        return self.norm(n + torch.linear(g, self.{p}w2, self.{p}b2))

    def {p}bias(self, n: Tensor) -> Tensor:
        return {bias}

    def {p}features(self, inputs: Tensor) -> Tensor:
        n = self.norm(self.{p}states(inputs))
        return self.{p}joined(n, self.{p}bias(n).unsqueeze(1))

    def {p}features_at(self, inputs: Tensor, site: Tensor) -> Tensor:
        n = self.norm(self.{p}states(inputs))
        return self.{p}joined(self.at_site(n, site), self.{p}bias(n))
)";

constexpr const char* plain_bias = "self.{p}b1.unsqueeze(0)";
constexpr const char* pooled_bias = "torch.linear(n.sum([1]) * {scale}, self.{p}w3, self.{p}b1)";

constexpr double spread = 0.3;  // of symbols' and places' vectors at the start

void add_body(marginalia::NetworkBuilder& network, std::int64_t width, std::int64_t hidden, bool pool,
              const TwoHeads& heads, const std::string& prefix, at::Generator& generator) {
    const auto add = [&](const std::string& name, const at::Tensor& value) { network.parameter(prefix + name, value); };
    add("embed_w", at::empty({width, heads.inputs()}).normal_(0, spread, generator));
    add("places", at::empty({heads.domain.sites, width}).normal_(0, spread, generator));
    for (const std::string direction : {"forward", "back"}) {
        add(direction + "_in", marginalia::uniform_weights({3 * width, width}, width, generator));
        add(direction + "_state", marginalia::uniform_weights({3 * width, width}, width, generator));
        add(direction + "_in_b", at::zeros({3 * width}));
        add(direction + "_state_b", at::zeros({3 * width}));
    }
    add("w1", marginalia::uniform_weights({hidden, 2 * width}, 2 * width, generator));
    add("b1", at::zeros({hidden}));
    if (pool) add("w3", marginalia::uniform_weights({hidden, 2 * width}, 2 * width, generator));
    add("w2", at::zeros({2 * width, hidden}));
    add("b2", at::zeros({2 * width}));
}

marginalia::NetworkBuilder build(const Params& params, const Domain& domain, at::Generator& generator) {
    const std::int64_t width = params.integer("width");
    const std::int64_t hidden = params.integer("feed_forward") == 0 ? 4 * width : params.integer("feed_forward");
    const TwoHeads heads{domain, 2 * width, params.integer("bodies") == 2, params.boolean("known_fraction"),
                         params.text("readout") == "softmax"};
    const bool pool = params.boolean("pool");
    const double scale = 1 / std::sqrt(static_cast<double>(domain.sites));
    marginalia::NetworkBuilder network("recurrent");
    std::string bodies = fmt::format(norm, fmt::arg("features", 2 * width));
    for (const std::string& prefix : heads.prefixes()) {
        add_body(network, width, hidden, pool, heads, prefix, generator);
        const std::string bias =
            fmt::format(fmt::runtime(pool ? pooled_bias : plain_bias), fmt::arg("p", prefix), fmt::arg("scale", scale));
        bodies += fmt::format(body, fmt::arg("p", prefix), fmt::arg("width", width), fmt::arg("bias", bias));
    }
    define_with_heads(network, heads, bodies);
    return network;
}

}  // namespace

MARGINALIA_NETWORK(build, "recurrent", "recurrent network in both directions, for sequences", manual, parameters);
