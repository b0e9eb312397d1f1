// Uses a function that no library defines.
#include <marginalia/energy.h>
#include "broken_energy.h"

extern "C" double nobody_defines_this(double);

struct Unresolved final : BrokenEnergy {
    using BrokenEnergy::BrokenEnergy;
    double log_density(marginalia::State) const override { return nobody_defines_this(1); }
};
MARGINALIA_ENERGY(Unresolved, "unresolved", "", "", no_parameters);
