// An experiment beside what the store knows of it: what is done, what is left, what to do.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "kernel/config/experiment.h"
#include "kernel/schedule/job.h"
#include "store/store.h"

namespace marginalia {

store::PlannedSweep planned(const Experiment& experiment, const std::string& provenance);

// What tells a trial from its siblings: "seed 0, learning_rate 0.001".
std::string label_of(const Experiment& experiment, const TrialConfig& trial);

// A swept key's value in a trial's config as people write it; "" where the trial does not have that key.
std::string swept_value(const TrialConfig& trial, const std::string& dotted_key);

// What `run` does with a trial of this status.
enum class Action { run, skip_done, leave_failed, leave_running };
Action action_for(store::Status status, bool retry_failed);

// The jobs among an experiment's trials, and how many were left aside. `stored` is in the order of experiment.trials.
struct WorkList {
    std::deque<Job> jobs;
    std::vector<store::TrialId> to_requeue;  // failed ones that are to be tried again
    std::size_t done = 0, left_failed = 0, running = 0;
};
WorkList work_list(const Experiment& experiment, const std::vector<store::Trial>& stored, bool retry_failed);

}  // namespace marginalia
