#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>

#include "kernel/worker/evaluate/evaluation.h"
#include "kernel/worker/evaluate/reference.h"

namespace marginalia {

namespace {

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
    return at::bincount(x.flatten(), {}, categories)
        .to(at::kDouble)
        .div(static_cast<double>(x.numel()))
        .square()
        .sum()
        .item<double>();
}

Spread correlation(const at::Tensor& x, const TrialParts& parts, std::int64_t distance, std::int64_t chains) {
    std::vector<std::int64_t> shape = parts.domain.layout.shape;
    shape.insert(shape.begin(), x.size(0));
    Spread spread = spread_of(agreement(x.view(shape), distance, parts.domain.layout.periodic), chains);
    spread.mean -= chance(x, parts.domain.categories);
    return spread;
}

std::int64_t reach(const TrialParts& parts) {
    const auto& shape = parts.domain.layout.shape;
    return *std::max_element(shape.begin(), shape.end()) / 2;
}

double rms(const std::vector<double>& values) {
    double sum = 0;
    for (const double value : values) sum += value * value;
    return std::sqrt(sum / static_cast<double>(values.size()));
}

// What two sets of true states differ by.
void add_floors(const TrialParts& parts, const at::Tensor& reference, const at::Tensor& log_f, Figures& figures) {
    const std::int64_t half = reference.size(0) / 2;
    if (half < 2) return;
    const at::Tensor first = reference.slice(0, 0, half), second = reference.slice(0, half, 2 * half);
    figures["energy_distance_floor"] = wasserstein(log_f.slice(0, 0, half), log_f.slice(0, half, 2 * half));
    std::vector<double> differences;
    for (std::int64_t r = 1; r <= reach(parts); ++r)
        differences.push_back(correlation(first, parts, r, 0).mean - correlation(second, parts, r, 0).mean);
    if (!differences.empty()) figures["pair_correlation_rmse_floor"] = rms(differences);
}

}  // namespace

Figures evaluate_quality(const TrialParts& parts, const at::Tensor& drawn, const Reference& reference, Curves& curves) {
    Figures figures;
    const at::Tensor log_f = log_f_of(parts, drawn), log_f_reference = log_f_of(parts, reference.x);
    if (!log_f.isfinite().all().item<bool>() || !log_f_reference.isfinite().all().item<bool>()) return figures;
    figures["energy_distance"] = wasserstein(log_f, log_f_reference);
    std::vector<double> differences;
    for (std::int64_t r = 1; r <= reach(parts); ++r) {
        const Spread own = correlation(drawn, parts, r, 0),
                     target = correlation(reference.x, parts, r, reference.chains);
        curves["pair_correlation"][r] = own.mean;
        curves["pair_correlation_stderr"][r] = own.error;
        curves["pair_correlation_reference"][r] = target.mean;
        curves["pair_correlation_reference_stderr"][r] = target.error;
        differences.push_back(own.mean - target.mean);
    }
    if (!differences.empty()) figures["pair_correlation_rmse"] = rms(differences);
    add_floors(parts, reference.x, log_f_reference, figures);
    return figures;
}

}  // namespace marginalia
