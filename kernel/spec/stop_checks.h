// What of [stop] cannot work with the rest of an experiment file.
#pragma once

#include <vector>

#include "kernel/spec/experiment.h"
#include "kernel/spec/faults.h"
#include "kernel/spec/stop_settings.h"

namespace marginalia::config {

// Adds a fault for each, at the key of [stop] that it is about.
void check_stop(const Node& root, const StopSettings& stop, const std::vector<TrialConfig>& trials, Faults& faults);

}  // namespace marginalia::config
