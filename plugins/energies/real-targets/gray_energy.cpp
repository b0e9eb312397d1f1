#include "gray_energy.h"

#include <algorithm>

namespace real_targets {

GrayEnergy::GrayEnergy(ProductGrid grid) : Energy(grid.axes() * grid.bits(), 2), grid_(std::move(grid)) {
    log_z_ = grid_.log_sum(std::vector<std::uint8_t>(static_cast<std::size_t>(sites()), 2));
}

bool GrayEnergy::log_marginals(marginalia::States partial, std::span<double> out) const {
    for (std::size_t row = 0; row < partial.size(); ++row)
        out[row] = std::min(0.0, grid_.log_sum(partial[row]) - log_z_);
    return true;
}

std::optional<marginalia::ReferenceSamples> GrayEnergy::reference_samples(std::size_t count, std::uint64_t seed) const {
    return marginalia::ReferenceSamples{grid_.samples(count, seed), true, "independent, cell by cell of the grid"};
}

}  // namespace real_targets
