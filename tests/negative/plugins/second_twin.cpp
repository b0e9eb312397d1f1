// One of two files with the same kind and name.
#include <marginalia/energy.h>
#include "broken_energy.h"

struct Twin final : BrokenEnergy {
    using BrokenEnergy::BrokenEnergy;
    double log_density(marginalia::State) const override { return 0; }
};
MARGINALIA_ENERGY(Twin, "twin", "", "", no_parameters);
