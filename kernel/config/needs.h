// Tables that plugins say an experiment with them must have.
#pragma once

#include <vector>

#include "kernel/config/experiment.h"
#include "kernel/config/faults.h"
#include "kernel/config/node.h"
#include "kernel/config/section.h"

namespace marginalia::config {

// Adds a fault for every plugin of the sections that needs a table which no trial of the experiment has, and for a
// [reference] where there is no energy.
void check_needs(const Node& root, const std::vector<Section>& sections, const PluginCatalogue& catalogue,
                 Faults& faults);

// The same for trials that are without a table, `plugin = "none"`, which others of the sweep have.
void check_needs_of_trials(const std::vector<TrialConfig>& trials, const std::vector<Section>& sections, Faults& faults);

}  // namespace marginalia::config
