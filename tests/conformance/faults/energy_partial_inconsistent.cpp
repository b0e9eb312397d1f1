// The partial density forgets a factor, on full states too.
// expect: the partial density | make them equal on full states
#include "faulty_energy.h"

struct Fault final : Spins {
    using Spins::Spins;
    std::optional<double> partial_log_density(State x) const override {
        double up = 0;
        for (const std::uint8_t spin : x) up += spin == 1;
        return up;
    }
};

MARGINALIA_ENERGY(Fault, "energy-partial-inconsistent", "a partial density that is another function", "",
                  no_parameters);
