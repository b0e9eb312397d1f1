// What people ask of trials while a host may be running them: the verbs `cancel`, `pause` and `retry` write it, and the
// host that runs the trial does it.
//
// A trial that nobody runs is changed at once. Of one that runs a request is left, which its host sees, and which goes
// in the transaction that writes what became of the trial (Store::set_status, Store::mark_lost). So a request belongs
// to a running trial, whoever is killed when.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "store/store.h"

namespace marginalia::store {

enum class Wish { cancel, pause, retry };
std::string_view name_of(Wish wish);  // "cancel"

enum class Outcome {
    happened,  // the trial is as was wished; also where it was so before
    asked,     // its host has been asked
    refused    // there is nothing to be done about a trial of this status
};
struct Answer {
    Outcome outcome = Outcome::refused;
    Status before = Status::queued;
    Trial trial;  // as it is now
};

// Does it, or leaves a request. May be called again and again until it has happened: it is then done anew where another
// attempt of the trial has begun meanwhile. Running trials whose host is gone are marked as lost first.
//   cancel: whatever has not ended, and what is paused -> cancelled
//   pause: whatever has not ended -> paused
//   retry: failed, timeout, oom, pruned, cancelled, paused, preempted, lost -> queued, to go on from the newest
//          checkpoint; of a running trial what was asked is withdrawn
// Throws Kind::no_match where there is no such trial.
Answer ask(Store& store, TrialId trial, Wish wish);

// Whether it has been asked, and its host is alive and has not done it yet.
bool is_asked(Store& store, TrialId trial);

// Whether a living host runs trials of the experiment.
bool is_under_way(Store& store, std::string_view experiment);

// What has been asked of running trials and not been done yet; cancel and pause only.
std::map<TrialId, Wish> pending_requests(Store& store);

// A trial that has not ended, as a host needs to know it to take it up.
struct OpenTrial {
    TrialId id = 0;
    Status status = Status::queued;
    bool ours = false;            // this process runs it
    bool trained = false;         // its evaluation is what is left to do
    std::int64_t evaluation = 0;  // that one
    std::int64_t threads = 0;     // with which its newest checkpoint was made; 0: it has none
};
// Those among `trials` (JSON, "[1,2]") that have not ended.
std::vector<OpenTrial> open_trials(Store& store, const std::string& trials);

// Changes whenever somebody else has written into the file.
std::int64_t data_version(Store& store);

// Internal to store/. What a trial becomes that is no longer running: what was asked for, where it has not come to its
// end. The request is over, and so is its progress.
Status settle_request(Connection& connection, TrialId trial, Status status);

}  // namespace marginalia::store
