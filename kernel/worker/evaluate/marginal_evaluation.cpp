#include <ATen/ATen.h>
#include <marginalia/orders.h>

#include <chrono>
#include <cmath>

#include "kernel/worker/evaluate/row_scores.h"

namespace marginalia {

namespace {

constexpr std::int64_t answers = 8;  // that a reference of evaluate_row_marginals is the mean of

// Rows of `reference` with all but a random subset of sites unknown; the subset sizes run evenly over 1..D-1.
at::Tensor partial_states(const at::Tensor& reference, std::int64_t count, std::int64_t categories,
                          at::Generator& generator, at::Tensor& sizes) {
    const std::int64_t sites = reference.size(1);
    const at::Tensor rows = at::arange(count).remainder(reference.size(0));
    if (sites == 1) sizes = at::ones({count}, at::kLong);
    else if (count >= sites - 1) sizes = at::arange(count).remainder(sites - 1) + 1;
    else sizes = at::arange(count).mul(sites - 2).floor_divide(std::max<std::int64_t>(1, count - 1)) + 1;
    const at::Tensor rank = positions_of_sites(random_orders(count, sites, generator, at::kCPU));
    return reference.index_select(0, rows).masked_fill(rank >= sizes.unsqueeze(1), categories);
}

void add_errors_by_size(const at::Tensor& error, const at::Tensor& sizes, Curves& curves) {
    for (std::int64_t size = sizes.min().item<std::int64_t>(); size <= sizes.max().item<std::int64_t>(); ++size) {
        const at::Tensor picked = error.index({sizes == size});
        if (picked.numel() == 0) continue;
        curves["marginal_rmse_by_size"][size] = picked.square().mean().sqrt().item<double>();
        curves["marginal_bias_by_size"][size] = picked.mean().item<double>();
    }
}

// Into `exact`, NaN where the time did not suffice. False where the energy offers none.
bool exact_log_marginals(const TrialParts& parts, const at::Tensor& partial, double seconds,
                         const KeepGoing& keep_going, at::Tensor& exact) {
    const auto start = std::chrono::steady_clock::now();
    bool stopped = !keep_going(0, partial.size(0));
    const auto after_row = [&](std::int64_t done, double row_seconds) {
        stopped = stopped || !keep_going(done, partial.size(0));
        const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
        return !stopped && taken.count() + row_seconds <= seconds;  // the next takes at least as long as the last
    };
    const bool offered = parts.batch_energy->log_marginals(
        partial, {exact.data_ptr<double>(), static_cast<std::size_t>(exact.numel())}, after_row);
    if (stopped) throw Interrupted{};
    return offered;
}

}  // namespace

Figures evaluate_marginals(const TrialParts& parts, const Model& model, const at::Tensor& reference,
                           const MarginalChoice& choice, at::Generator& generator, const KeepGoing& keep_going,
                           Curves& curves) {
    at::Tensor sizes;
    at::Tensor partial = partial_states(reference, choice.states, parts.domain.categories, generator, sizes);
    const at::Tensor quickest_first = at::argsort(sizes, /*stable=*/true, /*dim=*/0, /*descending=*/true);
    partial = partial.index_select(0, quickest_first);
    sizes = sizes.index_select(0, quickest_first);
    at::Tensor exact = at::empty({choice.states}, at::kDouble);
    if (!exact_log_marginals(parts, partial, choice.seconds, keep_going, exact)) return {};
    const at::Tensor found = exact.isnan().logical_not();
    const at::Tensor modelled = log_marginals(model, partial.index({found}), choice.batch, parts.device, keep_going);
    exact = exact.index({found});
    if (exact.numel() == 0) return {{"marginal_states", 0}};
    const at::Tensor error = modelled - exact;
    add_errors_by_size(error, sizes.index({found}), curves);
    Figures figures{{"marginal_rmse", error.square().mean().sqrt().item<double>()},
                    {"marginal_bias", error.mean().item<double>()},
                    {"pearson", pearson(modelled, exact)},
                    {"spearman", spearman(modelled, exact)}};
    if (exact.numel() < choice.states) figures["marginal_states"] = static_cast<double>(exact.numel());
    return figures;
}

Figures evaluate_row_marginals(const RowEvaluation& evaluation) {
    const auto& [parts, model, settings, keep_going] = evaluation;
    const bool at_once = parts.objective->trains_marginals();
    const at::Tensor rows = test_rows(parts, settings.marginal_rows);
    if (rows.size(0) == 0 || !(at_once || is_any_order(model))) return {};
    at::Generator choice = make_generator(at::kCPU, 0, marginal_stream);
    at::Generator orders = make_generator(parts.device, 0, marginal_stream);
    at::Tensor sizes;
    const at::Tensor x = partial_states(rows, rows.size(0), parts.domain.categories, choice, sizes);
    const at::Tensor quickest = at_once ? log_marginals(model, x, settings.batch, parts.device, keep_going)
                                        : log_densities(model, x, settings.batch, orders, keep_going);
    const at::Tensor squares = (quickest - log_mean(along_orders(evaluation, x, answers, orders))).square();
    const double gap = squares.mean().sqrt().item<double>();
    return {{"marginal_gap", gap},
            {"marginal_gap_stderr", gap > 0 ? spread_of(squares).error / (2 * gap) : 0},
            {"marginal_passes",
             at_once ? static_cast<double>(model.marginal_passes()) : sizes.to(at::kDouble).mean().item<double>()}};
}

}  // namespace marginalia
