#include "kernel/worker/answer/conditioned.h"

#include <ATen/ATen.h>
#include <marginalia/host.h>

#include <cmath>

#include "kernel/worker/model/sampling.h"

namespace marginalia {

Conditioned::Conditioned(Asked& asked, at::Tensor given)
    : asked_(asked), given_(std::move(given)),
      known_((given_ != asked.trained.parts.domain.categories).sum().item<std::int64_t>()) {
    if (known_ > 0) log_marginal_ = by_marginals(given_).item<double>();
    if (!std::isfinite(log_marginal_))
        throw Error(
            "log p of the given state is not finite under this model, so nothing can be computed from it; give another "
            "one");
}

at::Tensor Conditioned::with(const at::Tensor& sites, const at::Tensor& symbols) const {
    return given_.expand({symbols.size(0), -1}).scatter(1, sites, symbols);
}

at::Tensor Conditioned::symbols_of(const at::Tensor& numbers, std::int64_t n) const {
    const std::int64_t categories = asked_.trained.parts.domain.categories;
    std::vector<at::Tensor> columns;
    at::Tensor rest = numbers;
    for (std::int64_t site = 0; site < n; ++site) {
        columns.push_back(rest.remainder(categories));
        rest = rest.floor_divide(categories);
    }
    return n > 0 ? at::stack(columns, 1) : at::empty({numbers.size(0), 0}, at::kLong);
}

at::Tensor Conditioned::by_marginals(const at::Tensor& rows) const {
    const auto going_on = [this](std::int64_t, std::int64_t) { return asked_.waiting.tick(), true; };
    return log_marginals(*asked_.trained.model, rows, asked_.request.batch, asked_.trained.parts.device, going_on) -
           log_marginal_;
}

at::Tensor Conditioned::log_p_of_chain(const at::Tensor& rows) const {
    const auto going_on = [this](std::int64_t, std::int64_t) { return asked_.waiting.tick(), true; };
    return log_densities(*asked_.trained.model, rows, asked_.request.batch, asked_.generator, going_on);
}

at::Tensor Conditioned::by_conditionals(const at::Tensor& rows) const {
    const at::Tensor log_p = log_p_of_chain(rows);
    return known_ > 0 ? log_p - log_p_of_chain(given_.expand_as(rows)) : log_p;
}

at::Tensor Conditioned::gaps_of_given(std::int64_t count) const {
    return log_marginal_ - log_p_of_chain(given_.expand({count, -1}));
}

at::Tensor Conditioned::exact_log_p(const at::Tensor& rows) const {
    const TrialParts& parts = asked_.trained.parts;
    at::Tensor values = at::empty({rows.size(0)}, at::kDouble);
    const auto after_row = [this](std::int64_t done, double) { return asked_.waiting.exact(done), true; };
    const std::span<double> out{values.data_ptr<double>(), static_cast<std::size_t>(values.numel())};
    if (!parts.batch_energy || !parts.batch_energy->log_marginals(to_host(rows), out, after_row))
        throw Error("exact marginals of this " + std::string(parts.energy ? "energy" : "dataset") +
                    " are not known; leave out --exact");
    return values;
}

double Conditioned::exact_of_given() const {
    if (!exact_) exact_ = known_ > 0 ? exact_log_p(given_).item<double>() : 0;
    return *exact_;
}

at::Tensor Conditioned::exactly(const at::Tensor& rows) const { return exact_log_p(rows) - exact_of_given(); }

at::Tensor Conditioned::tables(const at::Tensor& sets, const LogP& log_p) const {
    const std::int64_t n = sets.size(1), batch = asked_.request.batch;
    std::int64_t states = 1;
    for (std::int64_t site = 0; site < n; ++site) states *= asked_.trained.parts.domain.categories;
    std::vector<at::Tensor> pieces;
    for (std::int64_t first = 0; first < sets.size(0) * states; first += batch) {
        const at::Tensor row = at::arange(first, std::min(first + batch, sets.size(0) * states), at::kLong);
        const at::Tensor sites = sets.index_select(0, row.floor_divide(states));
        pieces.push_back(log_p(with(sites, symbols_of(row.remainder(states), n))));
    }
    return at::cat(pieces).view({sets.size(0), states});
}

Generated Conditioned::draw(std::int64_t count) const {
    Generated drawn =
        known_ > 0 ? asked_.completions.draw(given_, {}, at::zeros({count}, at::kLong), asked_.generator, asked_.tick)
                   : asked_.trained.model->generate(count, asked_.generator, asked_.tick);
    asked_.waiting.drawn(count);
    return {drawn.x.cpu(), drawn.log_p.cpu()};
}

}  // namespace marginalia
