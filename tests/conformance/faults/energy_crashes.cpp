// Reads far outside its table where all spins are up.
// expect: log f is a number or -infinity | the plugin crashed (segmentation fault)
#include <csignal>

#include "faulty_energy.h"

struct Fault final : Spins {
    using Spins::Spins;
    double log_density(State x) const override {
        const double log_f = Spins::log_density(x);
        if (log_f == 3) std::raise(SIGSEGV);
        return log_f;
    }
};

MARGINALIA_ENERGY(Fault, "energy-crashes", "a crash where all spins are up", "", no_parameters);
