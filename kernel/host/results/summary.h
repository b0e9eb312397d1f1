// The table that `run` prints last.
#pragma once

#include <ostream>
#include <span>
#include <string>

#include "store/store.h"

namespace marginalia {

// Prints the trials of the newest run of an experiment's file, grouped by configuration: differing keys, number of
// seeds done, mean ± standard error of the main final metrics; what is known exactly about the target; failures; and
// what to type next. Of many configurations the best. No table while no trial is done, and no failures of the trials in
// `told`, which have been said already. Lines are fitted to the terminal. Reads only the store.
void print_summary(store::Store& store, const std::string& experiment, std::ostream& out,
                   std::span<const store::TrialId> told = {});

// " --store FILE", to be put behind a command that is to reach this store; empty where it would without.
std::string store_option(const store::Store& store);

}  // namespace marginalia
