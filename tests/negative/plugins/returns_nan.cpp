// log f is not a number.
#include <limits>

#include <marginalia/energy.h>
#include "broken_energy.h"

struct ReturnsNan final : BrokenEnergy {
    using BrokenEnergy::BrokenEnergy;
    double log_density(marginalia::State) const override { return std::numeric_limits<double>::quiet_NaN(); }
};
MARGINALIA_ENERGY(ReturnsNan, "returns-nan", "", "", no_parameters);
