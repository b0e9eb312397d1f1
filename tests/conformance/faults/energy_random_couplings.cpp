// Couplings drawn anew for each object: a resumed trial would train on another energy.
// expect: two energies made alike agree | draw random couplings from a seed parameter
#include <random>

#include "faulty_energy.h"

struct Fault final : Spins {
    explicit Fault(const Params& p) : Spins(p), coupling(std::uniform_real_distribution<double>(0, 1)(device)) {}
    double log_density(State x) const override { return coupling * Spins::log_density(x); }
    std::random_device device;
    const double coupling;
};

MARGINALIA_ENERGY(Fault, "energy-random-couplings", "couplings without a seed", "", no_parameters);
