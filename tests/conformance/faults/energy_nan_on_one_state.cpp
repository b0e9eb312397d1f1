// NaN where all spins but the first are equal: random states hardly meet it.
// expect: log f is a number or -infinity | is NaN; return a number or -infinity
#include "faulty_energy.h"

struct Fault final : Spins {
    using Spins::Spins;
    double log_density(State x) const override {
        const double others = Spins::log_density(x.subspan(1));
        return x[0] == 1 && others == 0 ? std::sqrt(-1.0) : Spins::log_density(x);
    }
};

MARGINALIA_ENERGY(Fault, "energy-nan-on-one-state", "NaN where only the first spin is up", "", no_parameters);
