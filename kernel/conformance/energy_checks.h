// What the files that check energies share.
#pragma once

#include <marginalia/energy.h>

#include "kernel/conformance/checker.h"
#include "kernel/conformance/random_states.h"

namespace marginalia {

// Equal within `tolerance`, relative above 1 and absolute below; equal infinities are equal.
bool nearly_equal(double a, double b, double tolerance);

// log Z, marginals, entropy and samples: against enumeration where there are at most 2^16 states, otherwise against one
// another.
void check_energy_exact(const Energy&, const StateTable& partial, Checker&);

}  // namespace marginalia
