#include "graph_energy.h"

#include <algorithm>
#include <cmath>

#include "exact_sums.h"
#include "pairwise_form.h"

namespace factor_graph {

GraphEnergy::GraphEnergy(Model model, const MakeWholeSum& otherwise)
    : Energy(static_cast<std::int64_t>(model.cardinalities.size()), model.unknown), model_(std::move(model)),
      local_(model_), exact_(ExactSums::if_fits(model_)), whole_(exact_ || !otherwise ? nullptr : otherwise()) {}

GraphEnergy::~GraphEnergy() = default;

bool GraphEnergy::differences(marginalia::State x, std::span<double> out) const {
    const auto values = static_cast<std::size_t>(categories());
    for (std::size_t site = 0; site < x.size(); ++site) {
        const auto of_site = out.subspan(site * values, values);
        local_.of_variable(x, site, of_site);
        const double here = of_site[x[site]];
        for (double& value : of_site) value -= here;
    }
    return true;
}

std::optional<marginalia::EnergyForm> GraphEnergy::form() const { return pairwise_form(model_); }

std::optional<double> GraphEnergy::log_z() const {
    if (!exact_) return whole_ ? whole_->log_z() : std::nullopt;
    const double log_z = exact_->log_z();
    if (log_z == -HUGE_VAL)
        throw marginalia::Error(
            "every state has log f = -infinity, so there is no distribution; make some state possible");
    return log_z;
}

bool GraphEnergy::log_marginals(marginalia::States partial, std::span<double> out) const {
    if (!exact_) return false;
    const double whole = *log_z();
    for (std::size_t row = 0; row < partial.size(); ++row)
        out[row] = std::min(0.0, exact_->log_sum(partial[row]) - whole);
    return true;
}

std::optional<double> GraphEnergy::entropy() const {
    if (!exact_) return whole_ ? whole_->entropy() : std::nullopt;
    return log_z() ? std::optional(exact_->entropy()) : std::nullopt;
}

std::optional<marginalia::ReferenceSamples> GraphEnergy::reference_samples(std::size_t count,
                                                                           std::uint64_t seed) const {
    if (exact_) log_z();  // which throws where there is no distribution
    auto rows = exact_ ? exact_->samples(count, seed) : whole_ ? whole_->samples(count, seed) : std::nullopt;
    if (!rows) return std::nullopt;
    return marginalia::ReferenceSamples{
        std::move(*rows), true,
        exact_ ? "independent, by variable elimination" : "independent, row by row by free fermions"};
}

}  // namespace factor_graph
