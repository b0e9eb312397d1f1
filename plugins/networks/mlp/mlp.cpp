#include <ATen/ATen.h>
#include <fmt/format.h>
#include <marginalia/network.h>

#include "../mixed_sites.h"

namespace {

using marginalia::Domain;
using marginalia::Parameter;
using marginalia::ParameterType;
using marginalia::Params;

constexpr Parameter parameters[] = {
    {.name = "hidden",
     .type = ParameterType::integer,
     .fallback = "512",
     .minimum = 1,
     .maximum = 65536,
     .unit = "units",
     .help = "width of every hidden layer"},
    {.name = "layers",
     .type = ParameterType::integer,
     .fallback = "4",
     .minimum = 1,
     .maximum = 64,
     .unit = "layers",
     .help = "hidden layers; all but the first are residual"},
    marginalia::mixed_sites::components,
};

constexpr const char* manual = R"(A residual multilayer perceptron over one-hot symbols, the published network for
energies (arXiv 2310.12920, appendix; 4 layers of 2048 for the 10x10 Ising model):

    h_1 = leaky_relu(W_1 onehot(x_S) + b_1)            onehot: D x (K+1) inputs, □ being symbol K; slope 0.01
    h_l = h_(l-1) + leaky_relu(W_l h_(l-1) + b_l)
    log p_θ(x_S) = w·h_L(x_S) - w·h_L(all □) - |S| log K
    logits of p_φ(x_d | x_S) = V_d h_L(x_S) + c_d

Unlike in the published code, the marginal of the empty set is 0 by construction, and every model is uniform at the
start, as both heads begin at zero. The method `log_marginal_relaxed` gives log p_θ of weights (B, D, K) of the symbols,
for gradients in the state. A pass of N rows costs 2 N (D (K+1) H + (layers - 1) H²) operations, H being `hidden`; only
the output rows that are asked for are computed. From 16 symbols on the first layer is a sum of the D rows of weights
that the symbols choose: N D H operations instead of 2 N D (K+1) H, and a result that differs in its last bits.

Where sites hold real numbers or different numbers of symbols, a real site's number and six soft steps of it, tanh(v -
c), stand beside the one-hot symbols. The conditional of a real site is a mixture of `components` normal densities, and
log p_θ begins at the sum of what the conditionals say of each site alone:

    log p_θ(x_S) = s(x_S) - s(all □) + sum over d in S of log p_φ(x_d | all □),      s = w·h_L + u·h_L²

References: S. Liu, P. J. Ramadge, R. P. Adams, Generative marginalization models, ICML 2024 (arXiv 2310.12920),
appendix.)";

// Kaiming-uniform as torch.nn.Linear: weights and biases in ±1/sqrt(inputs).
at::Tensor uniform(at::IntArrayRef shape, double inputs, at::Generator& generator) {
    const double bound = 1 / std::sqrt(inputs);
    return at::empty(shape).uniform_(-bound, bound, generator);
}

// The hidden layers unrolled as TorchScript source.
std::string hidden_layers(std::int64_t layers) {
    std::string source;
    for (std::int64_t l = 2; l <= layers; ++l)
        source += fmt::format("        h = h + torch.leaky_relu(torch.linear(h, self.w{0}, self.b{0}), 0.01)\n", l);
    return source;
}

// The first layer of symbols. As a sum of weight rows it reads D rows a state however many symbols there are; as a
// product of one-hot inputs it takes K + 1 times as many operations, but a processor does those about ten times as
// fast.
constexpr std::int64_t most_symbols_of_products = 16;

constexpr const char* first_by_product = R"(
    def one_hot(self, x: Tensor) -> Tensor:
        return torch.one_hot(x, {symbols}).flatten(1).to(self.w1.dtype)

    def first(self, x: Tensor) -> Tensor:
        return torch.linear(self.one_hot(x), self.w1, self.b1)
)";

constexpr const char* first_by_rows = R"(
    def first(self, x: Tensor) -> Tensor:
        rows = x + torch.arange({sites}, device=x.device) * {symbols}
        starts = torch.arange(x.size(0), device=x.device) * {sites}
        return torch.embedding_bag(self.w1.t(), rows.flatten(), starts)[0] + self.b1
)";

constexpr const char* first_of_mixed = R"(
    def first(self, x: Tensor) -> Tensor:
        return torch.linear(self.mixed_inputs(x).flatten(1), self.w1, self.b1)
)";

// log p_θ, from h of the states and, last, of all □.
constexpr const char* marginals_of_symbols = R"(
    def marginals(self, h: Tensor, x: Tensor) -> Tensor:
        score = self.scores(h)
        return score - {log_categories} * (x < {categories}).sum(1).to(score.dtype)

    def log_marginal_relaxed(self, p: Tensor) -> Tensor:
        # The symbol □ has weight 0 in the states and 1 in the last row.
        blank = torch.constant_pad_nd(torch.zeros_like(p[:1]), [0, 1], 1.0)
        one_hot = torch.cat([torch.constant_pad_nd(p, [0, 1], 0.0), blank]).flatten(1)
        return self.scores(self.features_of(torch.linear(one_hot, self.w1, self.b1))) - {sites} * {log_categories}
)";

constexpr const char* marginals_of_mixed = R"(
    def log_alone(self, x: Tensor) -> Tensor:
        return self.each_alone(self.conditional_logits(self.with_blank(x[:0])), x).sum([1])

    def marginals(self, h: Tensor, x: Tensor) -> Tensor:
        square = (h * h * self.w_square).sum([1])
        return self.scores(h) + square[:-1] - square[-1] + self.each_alone(self.logits(h[-1:]), x).sum([1])
)";

constexpr const char* methods = R"(
    def features_of(self, first: Tensor) -> Tensor:
        h = torch.leaky_relu(first, 0.01)
{hidden}
        return h

    def features(self, x: Tensor) -> Tensor:
        return self.features_of(self.first(x))

    def scores(self, h: Tensor) -> Tensor:
        # The last row of h belongs to the state of all □. Under autocast `mv` would round the sum to bfloat16.
        score = (h.to(self.w_marginal.dtype) * self.w_marginal).sum([1])
        return score[:-1] - score[-1]

    def with_blank(self, x: Tensor) -> Tensor:
        return torch.cat([x, torch.full([1, {sites}], {categories}, dtype=x.dtype, device=x.device)])

    def logits_at(self, h: Tensor, site: Tensor) -> Tensor:
        v = torch.embedding(self.w_conditional, site).view(-1, {numbers}, {hidden_units})
        return torch.bmm(v, h.to(v.dtype).unsqueeze(2)).squeeze(2) + torch.embedding({bias}, site)

    def logits(self, h: Tensor) -> Tensor:
        logits = torch.linear(h, self.w_conditional.view(-1, {hidden_units}), {bias}.flatten())
        return logits.view(-1, {sites}, {numbers})

    def log_marginal(self, x: Tensor) -> Tensor:
        return self.marginals(self.features(self.with_blank(x)), x)

    def conditional_logits(self, x: Tensor) -> Tensor:
        return self.logits(self.features(x))

    def conditional_at(self, x: Tensor, site: Tensor) -> Tensor:
        return self.logits_at(self.features(x), site)

    def joint(self, x: Tensor, site: Tensor) -> Tuple[Tensor, Tensor]:
        h = self.features(self.with_blank(x))
        return self.marginals(h, x), self.logits_at(h[:site.size(0)], site)
)";

marginalia::NetworkBuilder build(const Params& params, const Domain& domain, at::Generator& generator) {
    const std::int64_t hidden = params.integer("hidden"), layers = params.integer("layers");
    const marginalia::MixedSites mixed(domain, params.integer("components"));
    const std::int64_t sites = domain.sites, categories = domain.categories, inputs = sites * mixed.inputs();
    marginalia::NetworkBuilder network("mlp");
    const auto add = [&](const std::string& name, const at::Tensor& value) { network.parameter(name, value); };
    const bool by_rows = categories + 1 > most_symbols_of_products && !mixed.any();
    const at::Tensor w1 = uniform({hidden, inputs}, static_cast<double>(inputs), generator);
    add("w1", by_rows ? w1.t().contiguous().t() : w1);  // the weights of a symbol one after another
    add("b1", uniform({hidden}, static_cast<double>(inputs), generator));
    for (std::int64_t l = 2; l <= layers; ++l) {
        add(fmt::format("w{}", l), uniform({hidden, hidden}, static_cast<double>(hidden), generator));
        add(fmt::format("b{}", l), uniform({hidden}, static_cast<double>(hidden), generator));
    }
    add("w_marginal", at::zeros({hidden}));
    add("w_conditional", at::zeros({sites, mixed.numbers() * hidden}));
    add("b_conditional", mixed.any() ? mixed.start() : at::zeros({sites, categories}));
    if (mixed.any()) {
        add("w_square", at::zeros({hidden}));  // log p of normal numbers is a square of them
        mixed.add_to(network);
    }
    // `embedding` looks up whole rows, so one row holds the output rows of a site.
    const std::string source = std::string(mixed.any() ? first_of_mixed
                                           : by_rows   ? first_by_rows
                                                       : first_by_product) +
                               (mixed.any() ? marginals_of_mixed : marginals_of_symbols) + methods;
    network.define(
        (mixed.any() ? mixed.source() : "") +
        fmt::format(fmt::runtime(source), fmt::arg("symbols", categories + 1), fmt::arg("categories", categories),
                    fmt::arg("sites", sites), fmt::arg("hidden_units", hidden), fmt::arg("numbers", mixed.numbers()),
                    fmt::arg("bias", mixed.any() ? "(self.b_conditional + self.bars)" : "self.b_conditional"),
                    fmt::arg("log_categories", std::log(static_cast<double>(categories))),
                    fmt::arg("hidden", hidden_layers(layers))));
    return network;
}

}  // namespace

MARGINALIA_NETWORK(build, "mlp", "residual perceptron over one-hot symbols, the published network", manual, parameters);
