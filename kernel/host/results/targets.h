// What an experiment's configurations model. Figures of different targets are not comparable: a ranking is of one.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "kernel/host/results/results.h"

namespace marginalia {

// One energy or data set: the same plugin of [energy] or [dataset] with the same parameters; or the same family of
// energies.
struct Target {
    std::string label;                // "ising, coupling = 0.44": the plugin, and what differs between the targets
    std::vector<std::size_t> groups;  // indices, ascending
};

// [energy] or [dataset] of a `config` column, and train.family, as JSON of its own: cheaper than all of the config.
std::string modelled_in(const std::string& config);

// In the order of their first groups; one target where all model the same.
std::vector<Target> targets_of(const ExperimentResults& results);

// The groups that have the metric, at most so many: as many of each target, the best of it first.
std::vector<std::size_t> best_groups(const ExperimentResults& results, const std::vector<Target>& targets,
                                     const std::string& metric, std::size_t most);

// The targets of any configs, by their indices.
std::vector<Target> targets_of(const std::vector<const FlatConfig*>& configs, const KeyOrder& order = {});

}  // namespace marginalia
