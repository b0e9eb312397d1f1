// Energies of real numbers as energies of bits.
#pragma once

#include <marginalia/energy.h>

#include "product_grid.h"

namespace real_targets {

// The parameters of energies that are offered in both forms.
constexpr marginalia::Parameter encoding_parameter = {
    .name = "encoding",
    .type = marginalia::ParameterType::text,
    .fallback = "\"real\"",
    .choices = "real|gray",
    .help = "sites hold the numbers themselves, or each number takes `bits` sites of its cell's Gray code"};
constexpr marginalia::Parameter bits_parameter = {.name = "bits",
                                                  .type = marginalia::ParameterType::integer,
                                                  .fallback = "8",
                                                  .minimum = 1,
                                                  .maximum = 12,
                                                  .unit = "bits",
                                                  .help = "of a number, with encoding = \"gray\""};

// log f of a state is log of its mass on the grid; D * bits sites of two symbols.
class GrayEnergy final : public marginalia::Energy {
public:
    explicit GrayEnergy(ProductGrid grid);

    double log_density(marginalia::State x) const override { return grid_.log_sum(x); }
    std::optional<double> log_z() const override { return log_z_; }
    bool log_marginals(marginalia::States partial, std::span<double> out) const override;
    std::optional<marginalia::ReferenceSamples> reference_samples(std::size_t count, std::uint64_t seed) const override;
    std::vector<double> point(marginalia::State x, marginalia::Reals) const override { return grid_.centre(x); }
    marginalia::Layout layout() const override { return {{grid_.axes(), grid_.bits()}, false}; }

private:
    const ProductGrid grid_;
    double log_z_ = 0;
};

}  // namespace real_targets
