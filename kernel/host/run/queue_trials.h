// An experiment's trials, put into the store's queue.
#pragma once

#include <string>
#include <vector>

#include "kernel/host/run/reuse.h"
#include "kernel/host/run/work_list.h"
#include "kernel/spec/experiment.h"
#include "store/store.h"

namespace marginalia {

struct QueuedTrials {
    std::vector<store::Trial> trials;  // in the order of experiment.trials, each with its evaluation as planned
    std::vector<Reusable> reused;      // of each
    WorkList work;                     // what is to be done of them
};

// In one transaction. `provenance`: the record of this run. `sweep`: as for Store::enqueue. Throws StoreError.
QueuedTrials queue_trials(store::Store& store, const Experiment& experiment, const PluginCatalogue& plugins,
                          const std::string& provenance, const WorkOptions& how, std::int64_t* sweep = nullptr);

}  // namespace marginalia
