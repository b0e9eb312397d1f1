// Entropy in bits instead of nats.
// expect: entropy | the entropy is given as
#include "faulty_energy.h"

struct Fault final : Spins {
    using Spins::Spins;
    std::optional<double> entropy() const override {
        const double p = 1 / (1 + std::exp(-0.5));
        return -6 * (p * std::log2(p) + (1 - p) * std::log2(1 - p));
    }
};

MARGINALIA_ENERGY(Fault, "energy-wrong-entropy", "entropy in bits", "", no_parameters);
