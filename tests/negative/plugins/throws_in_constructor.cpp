// Cannot be made.
#include <marginalia/energy.h>
#include "broken_energy.h"

struct ThrowsInConstructor final : BrokenEnergy {
    explicit ThrowsInConstructor(const marginalia::Params& p) : BrokenEnergy(p) {
        throw marginalia::Error("the table of couplings is empty; give at least one");
    }
    double log_density(marginalia::State) const override { return 0; }
};
MARGINALIA_ENERGY(ThrowsInConstructor, "throws-in-constructor", "", "", no_parameters);
