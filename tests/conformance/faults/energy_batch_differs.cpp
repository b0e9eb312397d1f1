// The batch form forgets the last row of odd batches.
// expect: a batch equals its rows | log_densities of 1 rows gives
#include "faulty_energy.h"

struct Fault final : Spins {
    using Spins::Spins;
    void log_densities(States rows, std::span<double> out) const override {
        for (std::size_t row = 0; row + rows.size() % 2 < rows.size(); ++row) out[row] = log_density(rows[row]);
    }
};

MARGINALIA_ENERGY(Fault, "energy-batch-differs", "a batch that is not its rows", "", no_parameters);
