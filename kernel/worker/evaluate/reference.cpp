#include "kernel/worker/evaluate/reference.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>
#include <marginalia/real_sites.h>

#include <algorithm>
#include <cmath>

namespace marginalia {

namespace {

// log f and the observables of the rows: (count, 1 + observables) float64.
at::Tensor quantities(const TrialParts& parts, const at::Tensor& x) {
    return at::cat({log_f_of(parts, x).unsqueeze(1), observed_values(parts, x)}, 1);
}

// Autocovariance of each row at a lag, averaged over the rows.
double autocovariance(const at::Tensor& centred, std::int64_t lag) {
    const std::int64_t n = centred.size(1);
    return (centred.slice(1, 0, n - lag) * centred.slice(1, lag, n)).sum().item<double>() /
           static_cast<double>(n * centred.size(0));
}

}  // namespace

Convergence convergence_of(const at::Tensor& values) {
    const std::int64_t n = values.size(1) / 2;
    if (n < 2) return {NAN, NAN};
    const at::Tensor halves = at::cat({values.slice(1, 0, n), values.slice(1, n, 2 * n)});
    const auto m = static_cast<double>(halves.size(0)), length = static_cast<double>(n);
    const double within = halves.var(at::IntArrayRef{1}, true).mean(0).sum().item<double>();
    const double between = halves.mean(1).var(at::IntArrayRef{0}, true).sum().item<double>() * length;
    const double total = (length - 1) / length * within + between / length;
    if (total == 0) return {1, m * length};  // the same value everywhere
    if (within == 0) return {INFINITY, 1};
    const at::Tensor centred = halves - halves.mean(1, true);
    const auto rho = [&](std::int64_t lag) { return 1 - (within - autocovariance(centred, lag)) / total; };
    double sum = 1, least = INFINITY;  // 1 + 2 * (rho_1 + rho_2 + ...), in pairs that stay positive and fall
    double pair = 1 + rho(1);
    for (std::int64_t lag = 0; pair > 0; lag += 2) {
        least = std::min(least, pair);
        sum += 2 * least - (lag == 0 ? 2 : 0);
        if (lag + 3 >= n) break;
        pair = rho(lag + 2) + rho(lag + 3);
    }
    return {std::sqrt(total / within), std::min(m * length, m * length / std::max(sum, 1e-12))};
}

Reference energy_reference(const Energy& energy, std::size_t count, std::uint64_t seed) {
    auto samples = energy.reference_samples(count, seed);
    if (!samples) return {};
    return {joined_states(energy, *samples), samples->exact, 0, samples->how, {}};
}

Reference chain_reference(const TrialParts& parts, Sampler& sampler, std::int64_t chains, std::int64_t count,
                          at::Generator& generator, const KeepGoing& keep_going) {
    const at::NoGradGuard no_grad;
    const std::int64_t draws = (count + chains - 1) / chains;
    std::vector<at::Tensor> states, series;
    for (std::int64_t draw = 0; draw < draws; ++draw) {
        states.push_back(sampler.draw(*parts.network, generator).cpu());
        series.push_back(quantities(parts, states.back()));
        if (!keep_going(draw, draws)) throw Interrupted{};
    }
    const at::Tensor all = at::stack(series, 1);  // (chains, draws, quantities)
    Convergence worst{1, INFINITY};
    for (std::int64_t i = 0; i < all.size(2); ++i) {
        const Convergence one = convergence_of(all.select(2, i));
        worst.rhat = std::isnan(one.rhat) ? NAN : std::max(worst.rhat, one.rhat);
        worst.ess = std::isnan(one.ess) ? NAN : std::min(worst.ess, one.ess);
    }
    Reference reference{at::cat(states).slice(0, 0, count), false, chains, "", {}};
    reference.figures = {{"reference_rhat", worst.rhat}, {"reference_ess", worst.ess}};
    reference.how = fmt::format(
        "{} chains of {} draws; largest split R-hat {:.4f}, smallest effective sample size {:.0f} "
        "(log f and every observable)",
        chains, draws, worst.rhat, worst.ess);
    if (const std::string report = sampler.report(); !report.empty()) reference.how += "; " + report;
    return reference;
}

}  // namespace marginalia
