// Tables that plugins say an experiment with them must have, and samplers of the kind they learn from.
#pragma once

#include <vector>

#include "kernel/spec/experiment.h"
#include "kernel/spec/faults.h"
#include "kernel/spec/node.h"
#include "kernel/spec/section.h"

namespace marginalia::config {

// Adds a fault for every plugin of the sections that needs a table which no trial of the experiment has, or a sampler
// of another kind than all of them have, and for a [reference] that cannot draw from an energy.
void check_needs(const Node& root, const std::vector<Section>& sections, const PluginCatalogue& catalogue,
                 Faults& faults);

// The same for trials that are without what others of the sweep have, or have what does nothing beside a dataset: a
// sampler for an objective that learns from "states", and annealed importance sampling.
void check_needs_of_trials(const Node& root, const std::vector<TrialConfig>& trials,
                           const std::vector<Section>& sections, Faults& faults);

}  // namespace marginalia::config
