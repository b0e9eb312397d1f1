// A division by zero where all spins are equal.
// expect: log f is a number or -infinity | is +infinity
#include "faulty_energy.h"

struct Fault final : Spins {
    using Spins::Spins;
    double log_density(State x) const override {
        const double up = 2 * Spins::log_density(x);
        return 1 / (6 - up);
    }
};

MARGINALIA_ENERGY(Fault, "energy-plus-infinity", "infinite where all spins are up", "", no_parameters);
