// What the files that check energies share.
#pragma once

#include <marginalia/energy.h>

#include "kernel/conformance/checker.h"
#include "kernel/conformance/random_states.h"

namespace marginalia {

// An energy with the states it is tried on and what it said of them.
struct TriedEnergy {
    const Energy& energy;
    StateTable full;
    StateTable partial;          // the rows of `full` with sites unknown, and all □
    std::vector<double> values;  // log f of each row of `full`
};

// Equal within `tolerance`, relative above 1 and absolute below; equal infinities are equal.
bool nearly_equal(double a, double b, double tolerance);

// Repetition, batches, threads, the partial density. Returns false where log f changes from call to call, so that no
// more can be said.
bool check_energy_agreement(const TriedEnergy&, Checker&);

// log Z, marginals, entropy and samples: against enumeration where there are at most 2^16 states, otherwise against one
// another.
void check_energy_exact(const Energy&, const StateTable& partial, Checker&);

}  // namespace marginalia
