// An experiment beside what the store knows of it: what is done, what is left, what to do.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "kernel/host/run/job.h"
#include "kernel/spec/experiment.h"
#include "store/store.h"

namespace marginalia {

store::PlannedSweep planned(const Experiment& experiment, const std::string& provenance);

// What tells a trial from its siblings: "seed 0, network mlp, learning_rate 0.001".
std::string label_of(const Experiment& experiment, const TrialConfig& trial);

// What a trial of this config models, as a text that is the same for the same [energy] or [dataset].
std::string target_of(const nlohmann::json& config);

// A swept key's value in a trial's config as people write it; "" where the trial does not have that key.
std::string swept_value(const TrialConfig& trial, const std::string& dotted_key);

// What is to be done with trials that have ended.
struct WorkOptions {
    bool retry_failed = false;  // failed ones again
    bool again = false;         // those that were made with something that has changed since, anew
};

// What `run` does with a trial of this status; `changed`: what it was made with has changed since.
enum class Action { run, skip_done, leave_failed, leave_running, leave_stopped, leave_submitted };
Action action_for(store::Status status, const WorkOptions& options, bool changed = false);

// The jobs among an experiment's trials, and how many were left aside. `stored` is in the order of experiment.trials,
// and so is `changes`, what has changed since they ran (changes_since). A failed trial is tried again where something
// has.
struct WorkList {
    std::deque<Job> jobs;
    // Ended ones that are to go on, with their evaluations.
    std::vector<std::pair<store::TrialId, std::int64_t>> to_requeue;
    std::vector<store::TrialId> to_forget;  // those of them that begin anew
    std::deque<Job> others;                 // of all other trials, should somebody queue them again while this runs
    std::vector<store::TrialId> running, left_failed;  // among those
    std::size_t done = 0;
    std::size_t submitted = 0;                     // handed over to another engine
    std::map<store::Status, std::size_t> stopped;  // by a person or a rule: how many are left so
    std::size_t changed = 0;                       // of those done: made with something that has changed
    std::string change;                            // what that is, of the first of them
    ComparedTrials sweep;           // all trials of the experiment, but for those beyond stop.trial_budget
    std::size_t beyond_budget = 0;  // how many these are
};
WorkList work_list(const Experiment& experiment, const std::vector<store::Trial>& stored,
                   const std::vector<std::string>& changes, const WorkOptions& options);

}  // namespace marginalia
