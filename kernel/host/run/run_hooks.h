// [hooks] at the end of a run, and of a stored experiment.
#pragma once

#include <filesystem>

#include "kernel/host/run/hooks.h"
#include "kernel/host/run/scheduler.h"
#include "kernel/host/run/stored_code.h"
#include "kernel/host/run/work_list.h"

namespace marginalia {

// What the hook of the run's end gets on its input.
nlohmann::json sweep_json(const Experiment& experiment, const std::filesystem::path& store, const WorkList& work,
                          const ScheduleResult& result);

// Runs it after all others; an urgent signal ends them.
void end_hooks(Hooks& hooks, nlohmann::json sweep, StopSignals& signals, Progress& progress);

// Takes away, and reports, commands that the store names and this user has not chosen.
void leave_out_hooks(Experiment& experiment, const StoredCode& code);

}  // namespace marginalia
