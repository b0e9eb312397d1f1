// What an experiment's configurations model. Figures of different targets are not comparable: a ranking is of one.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "kernel/host/results/results.h"

namespace marginalia {

// One energy or data set: the same plugin of [energy] or [dataset] with the same parameters.
struct Target {
    std::string label;                // "ising, coupling = 0.44": the plugin, and what differs between the targets
    std::vector<std::size_t> groups;  // indices, ascending
};

// In the order of their first groups; one target where all model the same.
std::vector<Target> targets_of(const ExperimentResults& results);

// The same of any configs, by their indices.
std::vector<Target> targets_of(const std::vector<const FlatConfig*>& configs, const KeyOrder& order = {});

}  // namespace marginalia
