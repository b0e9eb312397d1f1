// From checked sections and axes to trials.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernel/spec/experiment.h"
#include "kernel/spec/section.h"
#include "kernel/spec/sweep.h"

namespace marginalia::config {

// More would not fit in memory as whole configs, and no one has meant it.
constexpr std::size_t most_trials = 100000;

// Trials asked for, before equal ones are merged; stops counting above most_trials.
std::size_t count_trials(const std::vector<Axis>& axes, std::size_t seeds);

struct Expansion {
    std::vector<TrialConfig> trials;
    std::size_t left_out = 0;  // combinations that some exclude fits
    std::vector<bool> fits;    // whether each exclude fits any
};

// The product of the axes, the first slowest, and of the seeds, innermost, without what the excludes fit. Configs that
// are one by their hashes (identity.h) are merged into the first. Every config is complete.
Expansion expand(const std::vector<Section>& sections, const Sweep& sweep, const std::vector<std::int64_t>& seeds);

// Places in the config, "network.hidden", that some axis varies; in the order of the axes.
std::vector<std::string> varied_keys(const std::vector<Section>& sections, const std::vector<Axis>& axes);

}  // namespace marginalia::config
