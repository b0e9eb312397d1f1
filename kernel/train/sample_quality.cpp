#include <cmath>

#include <ATen/ATen.h>

#include "kernel/train/evaluation.h"

namespace marginalia {

namespace {

// The integral of |F_a - F_b| over the line, F being the empirical distribution functions of finite values.
double wasserstein(const at::Tensor& first, const at::Tensor& second) {
    const at::Tensor a = std::get<0>(first.sort()), b = std::get<0>(second.sort());
    const at::Tensor all = std::get<0>(at::cat({a, b}).sort());
    const at::Tensor left = all.slice(0, 0, -1);
    const auto below = [&](const at::Tensor& sorted) {
        return at::searchsorted(sorted, left, false, true).to(at::kDouble) / static_cast<double>(sorted.numel());
    };
    return ((below(a) - below(b)).abs() * all.diff()).sum().item<double>();
}

// Of each row: the fraction of pairs of sites `distance` apart along an axis of the layout that agree, (M) float64.
at::Tensor agreement(const at::Tensor& lattice, std::int64_t distance, bool periodic) {
    at::Tensor sum = at::zeros({lattice.size(0)}, at::kDouble);
    std::int64_t axes = 0;
    for (std::int64_t axis = 1; axis < lattice.dim(); ++axis) {
        const std::int64_t extent = lattice.size(axis);
        if (2 * distance > extent) continue;
        const at::Tensor other = lattice.roll(-distance, axis);
        const std::int64_t kept = periodic ? extent : extent - distance;
        const at::Tensor equal = (lattice == other).slice(axis, 0, kept);
        sum += equal.flatten(1).to(at::kDouble).mean(1);
        ++axes;
    }
    return sum / static_cast<double>(axes);
}

// P(x_i = x_j) of independent sites with the rows' own frequencies of symbols.
double chance(const at::Tensor& x, std::int64_t categories) {
    return at::bincount(x.flatten(), {}, categories).to(at::kDouble).div(static_cast<double>(x.numel())).square().sum().item<double>();
}

Spread correlation(const at::Tensor& x, const TrialParts& parts, std::int64_t distance) {
    std::vector<std::int64_t> shape = parts.domain.layout.shape;
    shape.insert(shape.begin(), x.size(0));
    Spread spread = spread_of(agreement(x.view(shape), distance, parts.domain.layout.periodic));
    spread.mean -= chance(x, parts.domain.categories);
    return spread;
}

}  // namespace

Figures evaluate_quality(const TrialParts& parts, const at::Tensor& drawn, const at::Tensor& reference, Curves& curves) {
    Figures figures;
    const at::Tensor log_f = log_f_of(parts, drawn), log_f_reference = log_f_of(parts, reference);
    if (log_f.isfinite().all().item<bool>() && log_f_reference.isfinite().all().item<bool>())
        figures["energy_distance"] = wasserstein(log_f, log_f_reference);
    const auto& shape = parts.domain.layout.shape;
    const std::int64_t reach = *std::max_element(shape.begin(), shape.end()) / 2;
    double squares = 0;
    for (std::int64_t r = 1; r <= reach; ++r) {
        const Spread own = correlation(drawn, parts, r), target = correlation(reference, parts, r);
        curves["pair_correlation"][r] = own.mean;
        curves["pair_correlation_stderr"][r] = own.error;
        curves["pair_correlation_reference"][r] = target.mean;
        curves["pair_correlation_reference_stderr"][r] = target.error;
        squares += (own.mean - target.mean) * (own.mean - target.mean);
    }
    if (reach > 0) figures["pair_correlation_rmse"] = std::sqrt(squares / static_cast<double>(reach));
    return figures;
}

}  // namespace marginalia
