#include <cmath>

#include <ATen/ATen.h>
#include <marginalia/orders.h>

#include "kernel/train/evaluation.h"

namespace marginalia {

namespace {

// Rows of `reference` with all but a random subset of sites unknown; the subset sizes run evenly over 1..D-1.
at::Tensor partial_states(const at::Tensor& reference, std::int64_t count, std::int64_t categories, at::Generator& generator,
                          at::Tensor& sizes) {
    const std::int64_t sites = reference.size(1);
    const at::Tensor rows = at::arange(count).remainder(reference.size(0));
    sizes = sites == 1 ? at::ones({count}, at::kLong) : at::arange(count).remainder(sites - 1) + 1;
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

}  // namespace

Figures evaluate_marginals(const TrialParts& parts, const Model& model, const at::Tensor& reference, std::int64_t states,
                           std::int64_t batch, at::Generator& generator, Curves& curves) {
    at::Tensor sizes;
    const at::Tensor partial = partial_states(reference, states, parts.domain.categories, generator, sizes);
    const std::vector<std::uint8_t> bytes = to_bytes(partial);
    at::Tensor exact = at::empty({states}, at::kDouble);
    if (!parts.batch_energy->log_marginals({bytes, static_cast<std::size_t>(parts.domain.sites)},
                                           {exact.data_ptr<double>(), static_cast<std::size_t>(states)}))
        return {};
    const at::Tensor modelled = log_marginals(model, partial, batch, parts.device);
    const at::Tensor error = modelled - exact;
    add_errors_by_size(error, sizes, curves);
    return {{"marginal_rmse", error.square().mean().sqrt().item<double>()},
            {"marginal_bias", error.mean().item<double>()},
            {"pearson", pearson(modelled, exact)},
            {"spearman", spearman(modelled, exact)}};
}

}  // namespace marginalia
