#include "kernel/worker/check/torch/table_network.h"

#include <ATen/ATen.h>
#include <marginalia/error.h>
#include <torch/script.h>

#include <numbers>

namespace marginalia {
namespace {

constexpr double most_states = 4096;
constexpr std::int64_t code = 2;  // numbers

// Weights of the digits of a number in base `base`, lowest first.
at::Tensor powers(std::int64_t base, std::int64_t sites) {
    at::Tensor weights = at::ones({sites}, at::kLong);
    for (std::int64_t site = 1; site < sites; ++site) weights[site] = weights[site - 1] * base;
    return weights;
}

at::Tensor numbers_as_digits(std::int64_t base, std::int64_t sites) {
    const std::int64_t count =
        static_cast<std::int64_t>(std::llround(std::pow(static_cast<double>(base), static_cast<double>(sites))));
    return at::arange(count, at::kLong).unsqueeze(1).div(powers(base, sites), "floor").remainder(base);
}

// A partial state's number has the digits 0..K, K being □. The conditionals of a site are the marginals of the states
// that have its symbols there, whatever it is in x. The relaxed marginal is the extension linear in each site's
// weights.
constexpr const char* methods = R"(
    def table(self, logits: Tensor) -> Tensor:
        return torch.logsumexp(torch.log_softmax(logits, 0).unsqueeze(0) + self.agrees, 1)

    def number(self, x: Tensor) -> Tensor:
        return (x * self.powers).sum(1)

    def log_marginal(self, x: Tensor) -> Tensor:
        self.calls = self.calls + 1
        return self.table(self.marginal_logits)[self.number(x)]

    def log_marginal_relaxed(self, p: Tensor) -> Tensor:
        self.calls = self.calls + 1
        return torch.mv(p[:, self.sites, self.full].prod(2), torch.log_softmax(self.marginal_logits, 0))

    def conditional_logits(self, x: Tensor) -> Tensor:
        self.calls = self.calls + 1
        without = self.number(x).unsqueeze(1) - x * self.powers
        return self.table(self.conditional_table)[without.unsqueeze(2) + self.powers.unsqueeze(1) * self.symbols]

    def conditional_at(self, x: Tensor, site: Tensor) -> Tensor:
        self.calls = self.calls + 1
        power = self.powers[site]
        without = self.number(x) - x.gather(1, site.unsqueeze(1)).squeeze(1) * power
        return self.table(self.conditional_table)[without.unsqueeze(1) + power.unsqueeze(1) * self.symbols]

    def decode(self, z: Tensor) -> Tensor:
        logits = torch.linear(z, self.decoder, self.decoder_bias)
        return logits.view(z.size(0), self.sites.size(0), self.symbols.size(0))

    def encode(self, x: Tensor) -> Tensor:
        one_hot = torch.one_hot(x, self.symbols.size(0) + 1).flatten(1).to(self.encoder.dtype)
        return torch.linear(one_hot, self.encoder)

    def judge(self, p: Tensor) -> Tensor:
        weight = p[:, 0, self.full[:, 0]]  # by products, as the gradient of prod() waits for a GPU
        for d in range(1, p.size(1)):
            weight = weight * p[:, d, self.full[:, d]]
        return torch.mv(weight, self.critic)
)";

// Weights that differ, in ±0.5.
at::Tensor waves(std::int64_t rows, std::int64_t columns) {
    return (at::arange(rows * columns) * std::numbers::phi).sin().view({rows, columns}) * 0.5;
}

}  // namespace

at::Tensor all_states(const Domain& domain) {
    if (std::pow(static_cast<double>(domain.categories), static_cast<double>(domain.sites)) > most_states)
        throw Error("the domain has more than 4096 states, too many to enumerate; give domain.shape fewer sites");
    return numbers_as_digits(domain.categories, domain.sites);
}

at::Tensor state_numbers(const at::Tensor& x, const Domain& domain) {
    return (x * powers(domain.categories, domain.sites)).sum(1);
}

std::unique_ptr<Network> make_table_network(const Domain& domain, const at::Tensor& marginal_logits,
                                            const at::Tensor& conditional_logits) {
    const at::Tensor full = all_states(domain), partial = numbers_as_digits(domain.categories + 1, domain.sites);
    const at::Tensor clash =
        full.unsqueeze(0).ne(partial.unsqueeze(1)).logical_and(partial.unsqueeze(1).ne(domain.categories)).any(2);
    torch::jit::Module module("table_network");
    const auto parameter = [](const at::Tensor& logits) {
        return logits.to(at::kFloat).clone().set_requires_grad(true);
    };
    module.register_parameter("marginal_logits", parameter(marginal_logits), false);
    module.register_parameter("conditional_table", parameter(conditional_logits), false);
    module.register_parameter("decoder", parameter(waves(domain.sites * domain.categories, code)), false);
    module.register_parameter("decoder_bias", parameter(at::zeros({domain.sites * domain.categories})), false);
    module.register_parameter("encoder", parameter(waves(2 * code, domain.sites * (domain.categories + 1))), false);
    module.register_parameter("critic", parameter(at::zeros({full.size(0)})), false);
    module.register_attribute("code", c10::IntType::get(), code);
    module.register_buffer("agrees", at::zeros(clash.sizes()).masked_fill(clash, -INFINITY));
    module.register_buffer("full", full);
    module.register_buffer("sites", at::arange(domain.sites, at::kLong));
    module.register_buffer("powers", powers(domain.categories + 1, domain.sites));
    module.register_buffer("symbols", at::arange(domain.categories, at::kLong));
    module.register_attribute("calls", c10::IntType::get(), 0);
    module.define(methods);
    return std::make_unique<Network>(std::move(module), domain);
}

std::int64_t table_network_calls(const Network& network) { return network.module().attr("calls").toInt(); }

}  // namespace marginalia
