// Keeps the last state and its value, without a lock.
// expect: threads do not disturb one another | while other threads called it || the plugin
#include "faulty_energy.h"

struct Fault final : Spins {
    using Spins::Spins;
    double log_density(State x) const override {
        if (std::equal(x.begin(), x.end(), last)) return value;
        std::copy(x.begin(), x.end(), last);
        value = Spins::log_density(x);
        return value;
    }
    mutable std::uint8_t last[6] = {9};
    mutable double value = 0;
};

MARGINALIA_ENERGY(Fault, "energy-last-state", "a last state that threads share", "", no_parameters);
