// What the files that check energies share.
#pragma once

#include <marginalia/energy.h>

#include "kernel/worker/check/check.h"
#include "kernel/worker/check/random_states.h"

namespace marginalia {

// An energy with the states it is tried on and what it said of them.
struct TriedEnergy {
    const Energy& energy;
    StateTable full;
    StateTable partial;          // the rows of `full` with sites unknown, and all □
    std::vector<double> values;  // log f of each row of `full`
};

// Equal within `tolerance`, relative above 1 and absolute below; an infinity equals itself alone.
bool nearly_equal(double a, double b, double tolerance);

// Repetition, batches, the partial density. Returns false where log f changes from call to call, so that no
// more can be said.
bool check_energy_agreement(const TriedEnergy&, Checker&);

// site_log_densities and differences against log_density of states changed at one site.
void check_energy_local(const TriedEnergy&, Checker&);

// Eight threads at once ask a fresh energy for states it has not seen, again and again for 0.3 s, at least once. What
// they get must equal what another fresh energy says afterwards, to the last bit: an energy that keeps what it computed
// in the object is caught, unless it locks.
std::string check_energy_threads(const EnergyMaker& make);

// log Z, marginals, entropy and samples: against enumeration where there are at most 2^16 states, otherwise against one
// another.
void check_energy_exact(const Energy&, const StateTable& partial, Checker&);

// All checks of an energy whose sites hold real numbers: densities and marginals against quadrature in one and two
// dimensions.
void check_energy_of_reals(const EnergyMaker& make, Checker&);

}  // namespace marginalia
