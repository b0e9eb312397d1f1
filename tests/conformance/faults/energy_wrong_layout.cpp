// A square lattice of four sites for six.
// expect: the layout has as many sites as the energy | multiply to 4, not to the 6 sites
#include "faulty_energy.h"

struct Fault final : Spins {
    using Spins::Spins;
    Layout layout() const override { return {{2, 2}, false}; }
};

MARGINALIA_ENERGY(Fault, "energy-wrong-layout", "a layout of other sites", "", no_parameters);
