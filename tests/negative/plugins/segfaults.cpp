// Reads what is not there.
#include <marginalia/energy.h>
#include "broken_energy.h"

static const double* volatile nowhere = nullptr;

struct Segfaults final : BrokenEnergy {
    using BrokenEnergy::BrokenEnergy;
    double log_density(marginalia::State) const override { return *nowhere; }
};
MARGINALIA_ENERGY(Segfaults, "segfaults", "", "", no_parameters);
