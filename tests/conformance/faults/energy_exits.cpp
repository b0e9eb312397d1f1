// Ends the process, as a library's error handler may, and says that all is well.
// expect: log f is a number or -infinity | the plugin ended the process (exit)
#include <cstdlib>

#include "faulty_energy.h"

struct Fault final : Spins {
    using Spins::Spins;
    double log_density(State x) const override {
        const double log_f = Spins::log_density(x);
        if (log_f == 3) std::exit(0);
        return log_f;
    }
};

MARGINALIA_ENERGY(Fault, "energy-exits", "an exit where all spins are up", "", no_parameters);
