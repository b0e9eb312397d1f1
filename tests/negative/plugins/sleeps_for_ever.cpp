// Never comes back.
#include <chrono>
#include <thread>

#include <marginalia/energy.h>
#include "broken_energy.h"

struct SleepsForEver final : BrokenEnergy {
    using BrokenEnergy::BrokenEnergy;
    double log_density(marginalia::State) const override {
        for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
    }
};
MARGINALIA_ENERGY(SleepsForEver, "sleeps-for-ever", "", "", no_parameters);
