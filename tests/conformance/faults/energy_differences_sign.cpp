// Differences from the changed state to the one given.
// expect: differences to neighbouring states | correlation -1 with the true ones
#include "faulty_energy.h"

struct Fault final : Spins {
    using Spins::Spins;
    bool differences(State x, std::span<double> out) const override {
        for (std::size_t site = 0; site < x.size(); ++site)
            for (std::size_t k = 0; k < 2; ++k) out[2 * site + k] = 0.5 * (x[site] - static_cast<double>(k));
        return true;
    }
};

MARGINALIA_ENERGY(Fault, "energy-differences-sign", "differences the wrong way", "", no_parameters);
