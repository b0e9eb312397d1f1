// Parameters that somebody else chose, as overrides of the experiment file.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "kernel/spec/experiment.h"

namespace marginalia {

// "train.learning_rate=0.001" for each parameter, and "~KEY" for the swept keys whose condition leaves them out. Throws
// Error where `parameters` is no object of keys and plain values, names what no trial may vary, or lacks a key that
// the space has under the others.
std::vector<std::string> told_overrides(const nlohmann::json& parameters, const Space& space);

}  // namespace marginalia
