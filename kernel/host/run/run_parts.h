// What run.cpp shares with evaluate.cpp.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "kernel/host/run/run.h"
#include "kernel/host/run/scheduler.h"
#include "kernel/host/run/work_list.h"
#include "kernel/spec/experiment.h"
#include "kernel/spec/settings.h"
#include "kernel/wire/torch_report.h"

namespace marginalia {

// The [run] table in the scheduler's terms, but for the places.
ScheduleOptions schedule_options(const RunSettings& run, const WorkerPatience& patience);

// Queues the sweep and says which of its trials are ours to run.
WorkList enqueue(store::Store& store, const Experiment& experiment, const PluginCatalogue& plugins,
                 const std::string& provenance, const RunOptions& options, Progress& progress);

// The trials that a run will have to do, as far as the store can be read now.
std::vector<const TrialConfig*> not_done(const std::filesystem::path& store, const Experiment& experiment);

// What these trials ask for, with `others`, the other runs on this machine.
Demand demand_of(const std::vector<const TrialConfig*>& trials, int others);

// The slots for them, and what there is to know of their devices and processors. Throws Error for a device that is not
// there.
void add_places(ScheduleOptions& options, const RunSettings& run, const TorchReport& torch, const Demand& demand);

// As many threads as slots have on a machine without GPUs: for the first worker, which says whether there are any.
int first_threads(const RunSettings& run, const Demand& demand);

// A trial that has begun goes on with as many threads as then, unless run.cores says otherwise.
void keep_threads(store::Store& store, const RunSettings& run, WorkList& work);

// A provenance record with the mark that the code that the experiment names is this user's choice, for who asks the
// store later.
nlohmann::json with_code(nlohmann::json record, const Experiment& experiment, const PluginCatalogue& plugins,
                         Progress& progress);

// "2 slots (cpu, 1 thread each)"
std::string slots_text(const std::vector<Slot>& slots);

int exit_code_after(int signal);

}  // namespace marginalia
