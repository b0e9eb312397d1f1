// `compare --seeds`: whether configurations differ over their seeds.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "kernel/host/results/table.h"
#include "kernel/host/verbs/side_by_side.h"

namespace marginalia {

// Prints a line for each metric and each configuration but the first, which it is compared with (significance.h); what
// cannot be tested is said on stderr. Seeds are those that are done and, where there is one, meet the condition.
// `metrics`: empty for the most telling one. Throws StoreError (no_match) where fewer than two configurations are
// named, or a metric that none has.
void compare_seeds(const std::vector<ChosenTrial>& chosen, const std::string& condition,
                   const std::vector<std::string>& metrics, Format format, std::ostream& out);

}  // namespace marginalia
