// What a reader should know before he believes an experiment's figures.
#pragma once

#include <string>
#include <vector>

#include "kernel/host/results/results.h"

namespace marginalia {

// Sentences about figures that cannot be, or that show less than they seem to. Of what is so in several configurations
// the worst one is named, and the others are counted. Foreign text in them is printable.
std::vector<std::string> warnings_of(const ExperimentResults& results);

}  // namespace marginalia
