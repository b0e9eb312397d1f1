// Nine sites that it says lie on a lattice of four by four.
#include <marginalia/energy.h>
#include "broken_energy.h"

struct WrongShape final : BrokenEnergy {
    using BrokenEnergy::BrokenEnergy;
    double log_density(marginalia::State) const override { return 0; }
    marginalia::Layout layout() const override { return {{4, 4}, true}; }
};
MARGINALIA_ENERGY(WrongShape, "wrong-shape", "", "", no_parameters);
