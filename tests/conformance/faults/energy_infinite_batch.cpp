// The batch form calls every second row impossible.
// expect: a batch equals its rows | gives -infinity for row 1
#include "faulty_energy.h"

struct Fault final : Spins {
    using Spins::Spins;
    void log_densities(States rows, std::span<double> out) const override {
        for (std::size_t row = 0; row < rows.size(); ++row)
            out[row] = row % 2 == 0 ? log_density(rows[row]) : -HUGE_VAL;
    }
};

MARGINALIA_ENERGY(Fault, "energy-infinite-batch", "a batch of impossible rows", "", no_parameters);
