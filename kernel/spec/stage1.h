// Two-stage experiments: [stage1] says what is trained first, and every trial starts from the network of its own first
// stage.
#pragma once

#include <string>
#include <vector>

#include "kernel/spec/experiment.h"
#include "kernel/spec/faults.h"
#include "kernel/spec/node.h"

namespace marginalia::config {

inline constexpr const char* stage1_table = "stage1";
// The tables that [stage1] holds: objective, sampler, train, evaluation.
const std::vector<std::string>& stage1_tables();

// Adds a fault for what [stage1] cannot hold or lacks, and for a train.start_from beside it.
void check_stage1(const Node& root, Faults& faults);

// Whether any trial has a first stage: those of the objectives that [stage1] of `root` names, or all; false without
// [stage1].
bool needs_stage1(const Experiment& experiment, const Node& root);

// The first stage as the root table of an experiment of its own, `stage1.name` or else NAME.stage1: the target,
// network, reference and [run] of `root`, the tables of [stage1], and of [sweep] what varies the target and the
// network. `root` has a sound [stage1].
Node stage1_root(const Node& root);

// Gives every trial that has a first stage train.start_from = "NAME.stage1@HASH", the trial of `stage1` that has its
// target, network and seed, and the hash that follows from it. Trials that share these share the first stage.
void start_from_stage1(Experiment& experiment, const Experiment& stage1, const Node& root,
                       const PluginCatalogue& plugins);

}  // namespace marginalia::config
