#include "kernel/worker/model/mixture_base.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>
#include <marginalia/error.h>
#include <marginalia/real_sites.h>
#include <torch/script.h>

#include <algorithm>
#include <cmath>

namespace marginalia {

namespace {

// Of the mixture's weights, beside those of the network: Adam moves each by about the learning rate a step, which is
// chosen for the network's.
constexpr double mixture_rate = 5;
constexpr double least_variance = 1e-6;

// A site that is not known stands in the covariance as one of variance 1 that has nothing to do with the others, and
// lies at its mean: it adds nothing.
constexpr const char* mixture_methods = R"(
    def base_covariances(self) -> Tensor:
        # (M, D, D)
        lower = torch.tril(self.base_factors.double() * {rate}, -1)
        lower = lower + torch.diag_embed(torch.exp(self.base_deviations.double() * {rate}))
        least = torch.eye({sites}, dtype=lower.dtype, device=lower.device) * {least_variance}
        return torch.matmul(lower, lower.transpose(1, 2)) + least

    def base_tables(self) -> Tensor:
        # log p of symbols, (M, D, K)
        return torch.log_softmax(self.base_symbols.double() * {rate} + self.base_bars, -1)

    def base_seen(self, x: Tensor, covariances: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
        # Of what rows know: inverses of its covariances (B, M, D, D), numbers less means (B, M, D), and log p of each
        # density together with it (B, M)
        known = (x < 0).double().unsqueeze(1)
        v = (x + 4611686018427387904).double() * 2.3283064365386963e-10
        off = (v.masked_fill(x >= 0, 0.0).unsqueeze(1) - self.base_means.double() * {rate}) * known
        seen = covariances * (known.unsqueeze(3) * known.unsqueeze(2)) + torch.diag_embed(1 - known)
        inverse = torch.linalg_inv(seen)
        # The slope of log det is the inverse, which is at hand.
        factors = torch.linalg_cholesky(seen.detach())
        half_log_det = torch.log(torch.diagonal(factors, 0, 2, 3)).sum([2])
        half_log_det = half_log_det + 0.5 * ((seen - seen.detach()) * inverse.detach()).sum([2, 3])
        squares = (torch.matmul(inverse, off.unsqueeze(3)).squeeze(3) * off).sum([2])
        log_p = -0.5 * squares - half_log_det - 0.9189385332046727 * known.sum([2])
        holds = (x < {categories}) & self.base_holds_symbols
        symbol = torch.where(holds, x, torch.zeros_like(x)).view(x.size(0), 1, {sites}, 1)
        tables = self.base_tables().unsqueeze(0).expand(x.size(0), -1, -1, -1)
        of_symbols = tables.gather(3, symbol.expand(-1, tables.size(1), -1, -1)).squeeze(3)
        log_p = log_p + (of_symbols * holds.double().unsqueeze(1)).sum([2])
        return inverse, off, log_p + torch.log_softmax(self.base_weights.double() * {rate}, 0)

    def base_put(self, numbers: Tensor, seen: Tuple[Tensor, Tensor, Tensor], known: Tensor, crossed: Tensor,
                 means: Tensor, variances: Tensor, tables: Tensor, holds_symbols: Tensor) -> Tensor:
        # numbers (B, N, W) of N sites, with the sites' covariances to all (., M, D, N) and, of their own, means and
        # variances (., M, N), tables (., M, N, K), and whether they hold symbols (., N)
        inverse, off, log_p = seen
        crossed = crossed * known.unsqueeze(1).unsqueeze(3)
        w = torch.matmul(inverse, crossed)
        mean = (means + (w * off.unsqueeze(3)).sum([2])).transpose(1, 2).unsqueeze(2)
        variance = (variances - (w * crossed).sum([2])).clamp(min={least_variance}).transpose(1, 2).unsqueeze(2)
        deviation = torch.sqrt(variance)
        share = torch.log_softmax(log_p, 1)
        count = numbers.size(2) // 3
        split = numbers[:, :, :3 * count].view(numbers.size(0), numbers.size(1), 3, count // {components}, {components})
        logits, shift, width = split.double().unbind(2)
        of_number = torch.stack([logits + share.unsqueeze(1).unsqueeze(2), mean + deviation * shift,
                                 width + torch.log((deviation - {least_deviation}).clamp(min={least_deviation}))], 2)
        of_number = torch.constant_pad_nd(of_number.flatten(2), [0, numbers.size(2) - 3 * count], 0.0)
        log_symbols = torch.logsumexp(tables + share.unsqueeze(2).unsqueeze(3), [1])
        of_symbol = numbers.double() + torch.constant_pad_nd(log_symbols, [0, numbers.size(2) - {categories}], 0.0)
        return torch.where(holds_symbols.unsqueeze(2), of_symbol, of_number).to(self.base_means.dtype)

    def base_on_all(self, numbers: Tensor, x: Tensor, c: Tensor, seen: Tuple[Tensor, Tensor, Tensor]) -> Tensor:
        # (B, D, W)
        return self.base_put(numbers, seen, (x < 0).double(), c, self.base_means.double() * {rate},
                             torch.diagonal(c, 0, 1, 2), self.base_tables(), self.base_holds_symbols.unsqueeze(0))

    def base_on(self, numbers: Tensor, x: Tensor, site: Tensor, c: Tensor,
                seen: Tuple[Tensor, Tensor, Tensor]) -> Tensor:
        # (B, W), of one site a row
        means = (self.base_means.double() * {rate}).index_select(1, site).t().unsqueeze(2)
        variances = torch.diagonal(c, 0, 1, 2).index_select(1, site).t().unsqueeze(2)
        tables = self.base_tables().index_select(1, site).transpose(0, 1).unsqueeze(2)
        crossed = c.index_select(2, site).permute(2, 0, 1).unsqueeze(3)
        holds = self.base_holds_symbols.index_select(0, site).unsqueeze(1)
        return self.base_put(numbers.unsqueeze(1), seen, (x < 0).double(), crossed, means, variances, tables,
                             holds).squeeze(1)

    def base_marginals(self, x: Tensor, seen: Tuple[Tensor, Tensor, Tensor]) -> Tensor:
        # (B): what takes the place of inner's log_alone
        return (torch.logsumexp(seen[2], [1]) - self.inner.log_alone(x).double()).to(self.base_means.dtype)

    def conditional_logits(self, x: Tensor) -> Tensor:
        c = self.base_covariances()
        return self.base_on_all(self.inner.conditional_logits(x), x, c, self.base_seen(x, c))

    def conditional_at(self, x: Tensor, site: Tensor) -> Tensor:
        c = self.base_covariances()
        return self.base_on(self.inner.conditional_at(x, site), x, site, c, self.base_seen(x, c))

    def log_marginal(self, x: Tensor) -> Tensor:
        return self.inner.log_marginal(x) + self.base_marginals(x, self.base_seen(x, self.base_covariances()))

    def joint(self, x: Tensor, site: Tensor) -> Tuple[Tensor, Tensor]:
        marginals, numbers = self.inner.joint(x, site)
        c, rows = self.base_covariances(), site.size(0)
        inverse, off, log_p = self.base_seen(x, c)
        marginals = marginals + self.base_marginals(x, (inverse, off, log_p))
        return marginals, self.base_on(numbers, x[:rows], site, c, (inverse[:rows], off[:rows], log_p[:rows]))
)";

// Of inner's conditionals, C.
std::int64_t densities(const torch::jit::Module& inner, const Domain& domain) {
    const at::NoGradGuard no_grad;
    const at::Tensor blank = at::full({1, domain.sites}, domain.categories, at::kLong);
    return inner.get_method("conditional_logits")({blank}).toTensor().size(2) / 3;
}

// (D, K): symbols that a site has not, and all of a real one but the first, are as good as impossible.
at::Tensor bars(const Domain& domain) {
    const at::Tensor bars = at::zeros({domain.sites, domain.categories}, at::kDouble);
    for (std::int64_t d = 0; d < domain.sites; ++d)
        bars[d].slice(0, std::max<std::int64_t>(1, domain.site_categories[static_cast<std::size_t>(d)])).fill_(-1e4);
    return bars;
}

}  // namespace

torch::jit::Module* with_mixture_base(const torch::jit::Module& inner, const Domain& domain, std::int64_t components,
                                      at::Generator& generator) {
    for (const char* method : {"log_alone", "conditional_at", "joint"})
        if (!inner.find_method(method))
            throw Error(
                fmt::format("train.base = \"gaussian-mixture\" takes a network with the method '{}', such as "
                            "mlp or transformer; leave train.base out, or use one of these",
                            method));
    if (const std::int64_t own = densities(inner, domain); own % components != 0)
        throw Error(
            fmt::format("the network has {} densities a site, which {} of train.base_components cannot share "
                        "evenly; let network.components be a multiple of it, such as {}",
                        own, components, (own / components + 1) * components));
    const std::int64_t sites = domain.sites;
    auto module = std::make_unique<torch::jit::Module>("with_mixture_base");
    module->register_module("inner", inner);
    const auto learn = [&](const char* name, const at::Tensor& value) {
        module->register_parameter(name, (value / mixture_rate).to(at::kFloat).set_requires_grad(true), false);
    };
    const double several = components > 1 ? 1 : 0;
    learn("base_weights", at::zeros({components}));
    learn("base_means", several * 0.7 * at::randn({components, sites}, generator));
    learn("base_factors", at::zeros({components, sites, sites}));
    learn("base_deviations", at::full({components, sites}, several * std::log(0.7)));
    learn("base_symbols", several * 0.3 * at::randn({components, sites, domain.categories}, generator));
    module->register_buffer("base_bars", bars(domain));
    module->register_buffer("base_holds_symbols", at::tensor(domain.site_categories, at::kLong) != 0);
    module->register_attribute("mixed", c10::IntType::get(), std::int64_t{1});
    module->define(fmt::format(fmt::runtime(mixture_methods), fmt::arg("categories", domain.categories),
                               fmt::arg("sites", sites), fmt::arg("components", components),
                               fmt::arg("rate", mixture_rate), fmt::arg("least_variance", least_variance),
                               fmt::arg("least_deviation", least_deviation)));
    return module.release();
}

}  // namespace marginalia
