// Throws what is not even a marginalia::Error, in the threads that evaluate a batch.
#include <stdexcept>

#include <marginalia/energy.h>
#include "broken_energy.h"

struct ThrowsInLogDensity final : BrokenEnergy {
    using BrokenEnergy::BrokenEnergy;
    double log_density(marginalia::State) const override { throw std::runtime_error("no density today"); }
};
MARGINALIA_ENERGY(ThrowsInLogDensity, "throws-in-log-density", "", "", no_parameters);
