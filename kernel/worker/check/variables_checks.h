// Checks of what energies and datasets share.
#pragma once

#include <marginalia/variables.h>

#include <string>

#include "kernel/worker/check/checker.h"
#include "kernel/worker/check/random_states.h"

namespace marginalia {

// text() and parse(), on full and partial states.
void check_texts(const Variables& object, const StateTable& full, const StateTable& partial, Checker& checker);

// The layout's extents multiply to the sites. Throws Error where they do not.
std::string check_layout(const Variables& object);

}  // namespace marginalia
