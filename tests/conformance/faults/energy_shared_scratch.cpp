// Scratch space in the object: right in one thread, wrong in two.
// expect: threads do not disturb one another | while other threads called it
#include "faulty_energy.h"

struct Fault final : Spins {
    using Spins::Spins;
    double log_density(State x) const override {
        for (std::size_t site = 0; site < x.size(); ++site) scratch[site] = x[site];
        double up = 0;
        for (int again = 0; again < 200; ++again) {  // long enough that threads meet
            up = 0;
            for (const std::uint8_t spin : scratch) up += spin;
        }
        return 0.5 * up;
    }
    mutable volatile std::uint8_t scratch[6] = {};
};

MARGINALIA_ENERGY(Fault, "energy-shared-scratch", "scratch space that threads share", "", no_parameters);
