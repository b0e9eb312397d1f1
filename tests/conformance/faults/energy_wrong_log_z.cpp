// log Z of seven spins where there are six.
// expect: log Z | log Z is given as 6.818538
#include "faulty_energy.h"

struct Fault final : Spins {
    using Spins::Spins;
    std::optional<double> log_z() const override { return 7 * std::log(1 + std::exp(0.5)); }
};

MARGINALIA_ENERGY(Fault, "energy-wrong-log-z", "log Z of one spin too many", "", no_parameters);
