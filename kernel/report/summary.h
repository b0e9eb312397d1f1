// The table that `run` prints last.
#pragma once

#include <ostream>
#include <string>

#include "store/store.h"

namespace marginalia {

// Prints the trials of the newest run of an experiment's file, grouped by configuration: differing keys, number of
// seeds done, mean ± standard error of the main final metrics; what is known exactly about the target; failures; and
// what to type next. Lines are fitted to the terminal. Reads only the store.
void print_summary(store::Store& store, const std::string& experiment, std::ostream& out);

}  // namespace marginalia
