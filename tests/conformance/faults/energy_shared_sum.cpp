// Adds up in the object.
// expect: threads do not disturb one another | while other threads called it
#include "faulty_energy.h"

struct Fault final : Spins {
    using Spins::Spins;
    double log_density(State x) const override {
        sum = 0;
        for (int again = 0; again < 50; ++again)  // long enough that threads meet
            for (const std::uint8_t spin : x) sum = sum + 0.5 * spin;
        sum = sum / 50;
        return sum;
    }
    mutable volatile double sum = 0;
};

MARGINALIA_ENERGY(Fault, "energy-shared-sum", "a sum that threads share", "", no_parameters);
