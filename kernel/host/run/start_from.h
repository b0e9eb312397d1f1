// `train.start_from` beside what the store holds.
#pragma once

#include <filesystem>

#include "kernel/spec/experiment.h"

namespace marginalia {

// Throws Error if a trial is to start from the network of an experiment of which no trial in the store is done: said
// before anything is queued, not trial by trial. There need not be a store yet. A first stage of the experiment's own
// will have been run by then.
void require_start_experiments(const Experiment& experiment, const std::filesystem::path& store);

}  // namespace marginalia
