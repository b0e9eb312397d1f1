// Marginals of spins that are up with the probability of being down. They still sum to 1.
// expect: exact log-marginals | where enumeration finds
#include "faulty_energy.h"

struct Fault final : Spins {
    using Spins::Spins;
    bool log_marginals(States rows, std::span<double> out) const override {
        const double log_one = std::log(1 + std::exp(0.5));
        for (std::size_t row = 0; row < rows.size(); ++row) {
            out[row] = 0;
            for (const std::uint8_t spin : rows[row])
                if (spin < 2) out[row] += (spin == 0 ? 0.5 : 0) - log_one;
        }
        return true;
    }
};

MARGINALIA_ENERGY(Fault, "energy-wrong-marginals", "marginals with up and down exchanged", "", no_parameters);
