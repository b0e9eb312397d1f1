// Energies of random fields and couplings on the edges of a graph, and what is exact of them by a sum over all states.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include <ATen/ATen.h>
#include <marginalia/network.h>

#include "kernel/worker/model/trial_parts.h"
#include "tests/worker/every_state.h"

namespace marginalia {

using Edges = std::vector<std::pair<std::uint32_t, std::uint32_t>>;

// The edges of a torus from each site to the next of its row and of its column.
inline Edges torus_edges(std::uint32_t rows, std::uint32_t columns) {
    Edges edges;
    for (std::uint32_t site = 0; site < rows * columns; ++site) {
        const std::uint32_t row = site / columns, column = site % columns;
        edges.emplace_back(site, row * columns + (column + 1) % columns);
        edges.emplace_back(site, (row + 1) % rows * columns + column);
    }
    return edges;
}

// All numbers are normal with mean 0 and variance 1.
inline Domain random_domain(const Layout& layout, std::int64_t categories, const Edges& edges, std::int64_t seed = 1) {
    Domain domain{1, categories, layout};
    for (const std::int64_t extent : layout.shape) domain.sites *= extent;
    at::Generator generator = make_generator(at::kCPU, seed, 40);
    const auto numbers = [&](std::int64_t count) {
        const at::Tensor drawn = at::randn({count}, generator, at::kDouble);
        return std::vector<double>(drawn.data_ptr<double>(), drawn.data_ptr<double>() + count);
    };
    EnergyForm form;
    form.fields = numbers(domain.sites * categories);
    for (const auto& [first, second] : edges) {
        form.pairs.push_back({first, second, static_cast<std::uint32_t>(form.tables.size())});
        form.tables.push_back(numbers(categories * categories));
    }
    domain.form = std::make_shared<const EnergyForm>(std::move(form));
    return domain;
}

// (B) float64: log f of full states x (B, D).
inline at::Tensor log_f_of(const Domain& domain, const at::Tensor& x) {
    const EnergyForm& form = *domain.form;
    const at::Tensor fields = at::tensor(form.fields, at::kDouble).view({1, domain.sites, domain.categories});
    at::Tensor sum = fields.expand({x.size(0), -1, -1}).gather(2, x.unsqueeze(2)).sum({1, 2});
    for (const EnergyForm::Pair& pair : form.pairs) {
        const at::Tensor entry = x.select(1, pair.first) * domain.categories + x.select(1, pair.second);
        sum = sum + at::tensor(form.tables[pair.table], at::kDouble).index_select(0, entry);
    }
    return sum;
}

// (B) float64: log p*(x_S) of partial states x (B, D).
inline at::Tensor exact_log_marginals(const Domain& domain, const at::Tensor& x) {
    const at::Tensor states = every_state(domain), log_f = log_f_of(domain, states);
    const at::Tensor clash = (x.unsqueeze(1) != states.unsqueeze(0)).logical_and(x.unsqueeze(1) != domain.categories);
    return log_f.unsqueeze(0).masked_fill(clash.any(2), -INFINITY).logsumexp(1) - log_f.logsumexp(0);
}

// (B, D, K) float64: log p*(x_d = k | x_S) at unknown sites; 0 at known ones.
inline at::Tensor exact_log_conditionals(const Domain& domain, const at::Tensor& x) {
    at::Tensor values = at::zeros({x.size(0), domain.sites, domain.categories}, at::kDouble);
    const at::Tensor given = exact_log_marginals(domain, x);
    for (std::int64_t site = 0; site < domain.sites; ++site)
        for (std::int64_t symbol = 0; symbol < domain.categories; ++symbol) {
            at::Tensor with = x.clone();
            with.select(1, site).fill_(symbol);
            const at::Tensor unknown = x.select(1, site) == domain.categories;
            values.select(1, site).select(1, symbol).copy_(
                (exact_log_marginals(domain, with) - given).masked_fill(unknown.logical_not(), 0));
        }
    return values;
}

}  // namespace marginalia
