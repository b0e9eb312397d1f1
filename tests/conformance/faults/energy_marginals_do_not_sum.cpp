// log f instead of log p: the marginal of nothing is not 1.
// expect: exact log-marginals | where enumeration finds
// expect: log-marginals agree with one another | the log-marginal of all
#include "faulty_energy.h"

struct Fault final : Spins {
    using Spins::Spins;
    bool log_marginals(States rows, std::span<double> out) const override {
        for (std::size_t row = 0; row < rows.size(); ++row) {
            out[row] = -1;
            for (const std::uint8_t spin : rows[row]) out[row] -= spin == 1 ? 0.5 : 0;
        }
        return true;
    }
};

MARGINALIA_ENERGY(Fault, "energy-marginals-do-not-sum", "marginals that are not normalised", "", no_parameters);
