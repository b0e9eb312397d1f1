// The logarithm of a sum that underflowed.
// expect: log Z | log Z is given as -infinity where enumeration finds 5.84446
#include "faulty_energy.h"

struct Fault final : Spins {
    using Spins::Spins;
    std::optional<double> log_z() const override { return std::log(0.0); }
};

MARGINALIA_ENERGY(Fault, "energy-infinite-log-z", "log Z of nothing", "", no_parameters);
