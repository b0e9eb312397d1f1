#include "kernel/worker/model/belief_base.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <marginalia/error.h>
#include <marginalia/pair_graph.h>
#include <torch/script.h>

#include <cmath>
#include <vector>

namespace marginalia {

namespace {

constexpr double weights_rate = 5;  // of the base's weights, beside those of the network

// Beliefs and messages are log-odds against symbol 0, (., K - 1, B): rows of the batch are last, so that sums over
// symbols and edges go along whole vectors. E = 2 P edges. A known site says what its symbol says, whatever it hears.
// On loops messages swing, and settle, if at all, where they are too sure of themselves: their mean over the sweeps is
// much nearer to what is true than the last of them, damped or not.
constexpr const char* message_methods = R"(
    def base_sums(self, m: Tensor) -> Tensor:
        # (E, K - 1, B) -> (D, K - 1, B)
        return self.base_fields.expand(-1, -1, m.size(2)).index_add(0, self.base_to, m)

    def base_cavities(self, m: Tensor) -> Tensor:
        # What a site that sends knows without what it hears from the receiver: (E, K - 1, B)
        return self.base_sums(m).index_select(0, self.base_from) - m.index_select(0, self.base_back)

    def base_messages(self, x: Tensor) -> Tensor:
        # (B, D) -> (E, K - 1, B)
        sender = x.t().index_select(0, self.base_from)
        given = torch.embedding(self.base_given, sender + self.base_rows).transpose(1, 2).contiguous()
        known = (sender < {categories}).unsqueeze(1)
        m, total = given, torch.zeros_like(given)
        for sweep in range({sweeps}):)";

constexpr const char* plain_sweep = R"(
            m = torch.where(known, given, self.base_sent(self.base_cavities(m)))
            if sweep >= {first}:
                total = total + m
        return total / ({sweeps} - {first})
)";

// What known sites say is left as it is, so that a site among known neighbours stays exact. Weights are 1 + rate w:
// Adam moves each w by about the learning rate a step, which is chosen for the weights of the network.
constexpr const char* learned_sweep = R"(
            w = (self.base_weights[sweep] * {rate}).unsqueeze(2).unsqueeze(3)
            cavity = self.base_cavities(m) - w[1] * m.index_select(0, self.base_back)
            m = torch.where(known, given, (1 + w[0]) * self.base_sent(cavity))
            share = 1 / ({sweeps} - {first}) if sweep >= {first} else 0.0
            total = total + m * (w[2] + share)
        return torch.where(known, given, total)
)";

constexpr const char* symbol_methods = R"(
    def base_all(self, odds: Tensor) -> Tensor:
        # (., K - 1, B) -> (., K, B), symbol 0 with it
        return torch.constant_pad_nd(odds, [0, 0, 1, 0], 0.0)

    def base_passed(self, c: Tensor, tables: Tensor) -> Tensor:
        # (E, K, B), (E, K, K) -> (E, K, B): sums over the first site's symbols, one by one, to bound memory
        sums: List[Tensor] = []
        for k in range({categories}):
            sums.append(torch.logsumexp(c + tables[:, :, k].unsqueeze(2), [1]))
        return torch.stack(sums, 1)
)";

// log(exp(a) + exp(b + c)) is a + softplus(b + c - a).
constexpr const char* sent_of_two_symbols = R"(
    def base_sent(self, cavity: Tensor) -> Tensor:
        t = self.base_tables.unsqueeze(3)
        low, high = t[:, 1, :1] - t[:, 0, :1], t[:, 1, 1:] - t[:, 0, 1:]
        return torch.softplus(cavity + high) - torch.softplus(cavity + low) + (t[:, 0, 1:] - t[:, 0, :1])
)";

constexpr const char* sent_of_more_symbols = R"(
    def base_sent(self, cavity: Tensor) -> Tensor:
        m = self.base_passed(self.base_all(cavity), self.base_tables)
        return m[:, 1:] - m[:, :1]
)";

constexpr const char* conditional_methods = R"(
    def base_at(self, odds: Tensor, site: Tensor) -> Tensor:
        # (D, K - 1, B), (B) -> (B, K)
        index = site.view(-1, 1, 1).expand(-1, 1, odds.size(1))
        return torch.constant_pad_nd(odds.permute(2, 0, 1).gather(1, index).squeeze(1), [1, 0], 0.0)

    def conditional_logits(self, x: Tensor) -> Tensor:
        odds = self.base_sums(self.base_messages(x)).permute(2, 0, 1)
        return self.inner.conditional_logits(x) + torch.constant_pad_nd(odds, [1, 0], 0.0)
)";

constexpr const char* conditional_at_with_base = R"(
    def conditional_at(self, x: Tensor, site: Tensor) -> Tensor:
        return self.inner.conditional_at(x, site) + self.base_at(self.base_sums(self.base_messages(x)), site)
)";

constexpr const char* joint_of_inner = R"(
    def joint(self, x: Tensor, site: Tensor) -> Tuple[Tensor, Tensor]:
        marginals, logits = self.inner.joint(x, site)
        return marginals, logits + self.base_at(self.base_sums(self.base_messages(x[:site.size(0)])), site)
)";

// F = sum over sites of (1 - neighbours) log Z_site + sum over pairs of log Z_pair, which messages may be scaled in;
// summed in float64, as a large lattice has many of both. Symbols that a known site does not have are barred by -1e30,
// not by -infinity, whose differences are not numbers. The last row is that of all □.
constexpr const char* free_energy_methods = R"(
    def base_with_blank(self, x: Tensor) -> Tensor:
        return torch.cat([x, torch.full([1, x.size(1)], {categories}, dtype=x.dtype, device=x.device)])

    def base_free_energies(self, x: Tensor, m: Tensor) -> Tensor:
        # (B, D) and its messages -> (B) float64
        symbols = torch.arange({categories}, device=x.device).view(1, -1, 1)
        y = x.t().unsqueeze(1)
        barred = (y < {categories}) & (y != symbols)
        of_site = torch.logsumexp(self.base_all(self.base_sums(m)).masked_fill(barred, -1e30), [1])
        c = self.base_all(self.base_cavities(m)).masked_fill(barred.index_select(0, self.base_from), -1e30)
        first, second = c.chunk(2)
        of_pair = torch.logsumexp(self.base_passed(first, self.base_tables.chunk(2)[0]) + second, [1])
        return (of_site.double() * self.base_excess).sum([0]) + of_pair.double().sum([0])

    def base_marginals(self, x: Tensor, free: Tensor) -> Tensor:
        # The rows x and F of these and of all □
        known = (x < {categories}).sum(1).double()
        return (free[:-1] - free[-1] + {log_categories} * known).to(self.base_fields.dtype)

    def base_marginals_of(self, x: Tensor) -> Tensor:
        rows = self.base_with_blank(x)
        return self.base_marginals(x, self.base_free_energies(rows, self.base_messages(rows)))

    def log_marginal(self, x: Tensor) -> Tensor:
        return self.inner.log_marginal(x) + self.base_marginals_of(x)
)";

constexpr const char* joint_with_base = R"(
    def joint(self, x: Tensor, site: Tensor) -> Tuple[Tensor, Tensor]:
        marginals, logits = self.inner.joint(x, site)
        rows = self.base_with_blank(x)
        m = self.base_messages(rows)
        marginals = marginals + self.base_marginals(x, self.base_free_energies(rows, m))
        return marginals, logits + self.base_at(self.base_sums(m[:, :, :site.size(0)]), site)
)";

constexpr const char* log_density_with_base = R"(
    def log_density(self, x: Tensor) -> Tensor:
        return self.inner.log_density(x) + self.base_marginals_of(x)
)";

// The extension of log f that is linear in each site's weights.
constexpr const char* relaxed_with_base = R"(
    def log_marginal_relaxed(self, p: Tensor) -> Tensor:
        pairs = self.base_from.size(0) // 2
        first = p.index_select(1, self.base_from[:pairs]).transpose(0, 1)
        second = p.index_select(1, self.base_to[:pairs]).transpose(0, 1)
        log_f = (torch.matmul(first, self.base_tables[:pairs]) * second).sum([0, 2])
        log_f = log_f + (p[:, :, 1:] * self.base_fields.squeeze(2)).sum([1, 2])
        blank = self.base_with_blank(torch.zeros([0, p.size(1)], dtype=4, device=p.device))
        free = self.base_free_energies(blank, self.base_messages(blank))[0]
        return self.inner.log_marginal_relaxed(p) + log_f - free.to(p.dtype) + {log_categories} * p.size(1)
)";

// Source by name of the method that the network must have for it; "": always.
using MethodSources = std::vector<std::pair<const char*, std::string>>;

// A method of one argument that the base leaves as it is.
std::string of_inner(const char* method, const char* argument = "x") {
    return fmt::format("\n    def {0}(self, {1}: Tensor) -> Tensor:\n        return self.inner.{0}({1})\n", method,
                       argument);
}

MethodSources sources_of(std::int64_t categories, const BeliefBase& base) {
    MethodSources parts = {
        {"", message_methods},     {"", base.weights == BeliefBase::Weights::none ? plain_sweep : learned_sweep},
        {"", symbol_methods},      {"", categories == 2 ? sent_of_two_symbols : sent_of_more_symbols},
        {"", conditional_methods}, {"conditional_at", conditional_at_with_base}};
    const MethodSources rest = base.marginals
                                   ? MethodSources{{"", free_energy_methods},
                                                   {"joint", joint_with_base},
                                                   {"log_density", log_density_with_base},
                                                   {"log_marginal_relaxed", relaxed_with_base}}
                                   : MethodSources{{"", of_inner("log_marginal")},
                                                   {"joint", joint_of_inner},
                                                   {"log_density", of_inner("log_density")},
                                                   {"log_marginal_relaxed", of_inner("log_marginal_relaxed", "p")},
                                                   {"log_marginal_profile", of_inner("log_marginal_profile")}};
    parts.insert(parts.end(), rest.begin(), rest.end());
    return parts;
}

void register_graph(torch::jit::Module& module, const PairGraph& graph) {
    const at::Tensor tables = graph.directed_tables(), to = graph.to();
    const std::int64_t sites = graph.fields.size(0), symbols = graph.fields.size(1) + 1, edges = to.size(0);
    const at::Tensor numbers = at::arange(edges, at::kLong);
    const at::Tensor given = tables.slice(2, 1) - tables.slice(2, 0, 1);
    const at::Tensor degree = at::bincount(to, {}, sites).to(at::kFloat);
    module.register_buffer("base_fields", (graph.fields.slice(1, 1) - graph.fields.slice(1, 0, 1)).unsqueeze(2));
    module.register_buffer("base_tables", tables);
    module.register_buffer("base_from", graph.from());
    module.register_buffer("base_to", to);
    module.register_buffer("base_back", numbers.roll(edges / 2));
    module.register_buffer("base_given", at::constant_pad_nd(given, {0, 0, 0, 1}).reshape({-1, symbols - 2}));
    module.register_buffer("base_rows", (numbers * symbols).unsqueeze(1));
    module.register_buffer("base_excess", (1 - degree).unsqueeze(1));
}

}  // namespace

torch::jit::Module* with_belief_base(const torch::jit::Module& inner, const Domain& domain, const BeliefBase& base) {
    if (inner.hasattr("consistent") && inner.attr("consistent").toInt() != 0)
        throw Error(
            "train.base would end the exact sum rule of this network; leave it out, or use another network, such as "
            "lattice-conv or mlp");
    auto module = std::make_unique<torch::jit::Module>("with_belief_base");
    module->register_module("inner", inner);
    const PairGraph graph = pair_graph(domain, "train.base = \"belief-propagation\"");
    register_graph(*module, graph);
    if (base.weights != BeliefBase::Weights::none) {
        const std::int64_t edges = base.weights == BeliefBase::Weights::shared ? 1 : 2 * graph.first.size(0);
        const at::Tensor none = at::zeros({base.sweeps, 3, edges});
        module->register_parameter("base_weights", none.set_requires_grad(true), false);
    }
    std::string source;
    for (const auto& [method, text] : sources_of(domain.categories, base))
        if (*method == '\0' || inner.find_method(method)) source += text;
    module->define(fmt::format(fmt::runtime(source), fmt::arg("categories", domain.categories),
                               fmt::arg("sweeps", base.sweeps), fmt::arg("first", (base.sweeps - 1) / 4),
                               fmt::arg("rate", weights_rate),
                               fmt::arg("log_categories", std::log(static_cast<double>(domain.categories)))));
    return module.release();
}

}  // namespace marginalia
