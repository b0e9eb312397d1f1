// `train.start_from` beside what the store holds.
#pragma once

#include "kernel/config/experiment.h"
#include "store/store.h"

namespace marginalia {

// Throws Error if a trial is to start from the network of an experiment of which no trial in the store is done: said
// before anything is queued, not trial by trial. `store` null: there is no store yet.
void require_start_experiments(const Experiment& experiment, store::Store* store);

}  // namespace marginalia
