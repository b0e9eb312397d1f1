// Noise on every call.
// expect: the same state has the same log f | it must not change the object nor draw random numbers
#include <random>

#include "faulty_energy.h"

struct Fault final : Spins {
    using Spins::Spins;
    double log_density(State x) const override {
        static thread_local std::mt19937 random(1);
        return Spins::log_density(x) + 1e-10 * static_cast<double>(random() % 1000);
    }
};

MARGINALIA_ENERGY(Fault, "energy-random-numbers", "noise on every call", "", no_parameters);
