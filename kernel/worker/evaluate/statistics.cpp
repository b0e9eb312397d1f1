#include "kernel/worker/evaluate/statistics.h"

#include <cmath>
#include <limits>

#include <ATen/ATen.h>

#include "kernel/worker/evaluate/reference.h"

namespace marginalia {

namespace {

constexpr std::int64_t least_values = 100;  // whose spread is taken for that of all

// Ranks 0..n-1, ties sharing their mean rank.
at::Tensor ranks(const at::Tensor& values) {
    const at::Tensor sorted = std::get<0>(values.sort());
    const at::Tensor below = at::searchsorted(sorted, values), up_to = at::searchsorted(sorted, values, false, true);
    return (below + up_to - 1).to(at::kDouble) / 2;
}

}  // namespace

Spread spread_of(const at::Tensor& values) {
    const double deviation =
        values.numel() > 1 ? values.std().item<double>() : std::numeric_limits<double>::quiet_NaN();
    return {values.mean().item<double>(), deviation, deviation / std::sqrt(static_cast<double>(values.numel()))};
}

Spread spread_of(const at::Tensor& values, std::int64_t chains) {
    Spread spread = spread_of(values);
    const std::int64_t draws = chains > 0 ? values.numel() / chains : 0;
    if (draws == 0) return spread;
    const double ess = convergence_of(values.slice(0, 0, draws * chains).view({draws, chains}).t()).ess;
    if (std::isfinite(ess)) spread.error = spread.deviation / std::sqrt(ess);
    return spread;
}

bool UntilPrecise::add(const at::Tensor& values) {
    values_ = values_.defined() ? at::cat({values_, values}) : values;
    return precision_ > 0 && values_.numel() >= least_values && spread_of(values_, chains_).error <= precision_;
}

double pearson(const at::Tensor& a, const at::Tensor& b) {
    const at::Tensor x = a - a.mean(), y = b - b.mean();
    return ((x * y).sum() / (x.square().sum() * y.square().sum()).sqrt()).item<double>();
}

double spearman(const at::Tensor& a, const at::Tensor& b) { return pearson(ranks(a), ranks(b)); }

double frechet_distance(const at::Tensor& a, const at::Tensor& b) {
    const at::Tensor of_a = a.t().cov(), of_b = b.t().cov();
    const auto [variances, axes] = at::linalg_eigh(of_a);
    const at::Tensor root = axes * variances.clamp_min(0).sqrt();  // of_a = root root'
    // The eigenvalues of C_a C_b, of a symmetric matrix that is similar to it.
    const at::Tensor shared = at::linalg_eigvalsh(root.t().mm(of_b).mm(root)).clamp_min(0).sqrt().sum();
    return ((a.mean(0) - b.mean(0)).square().sum() + of_a.trace() + of_b.trace() - 2 * shared).item<double>();
}

double wasserstein(const at::Tensor& first, const at::Tensor& second) {
    const at::Tensor a = std::get<0>(first.sort()), b = std::get<0>(second.sort());
    const at::Tensor all = std::get<0>(at::cat({a, b}).sort());
    const at::Tensor left = all.slice(0, 0, -1);
    const auto below = [&](const at::Tensor& sorted) {
        return at::searchsorted(sorted, left, false, true).to(at::kDouble) / static_cast<double>(sorted.numel());
    };
    return ((below(a) - below(b)).abs() * all.diff()).sum().item<double>();
}

}  // namespace marginalia
