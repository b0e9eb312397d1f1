// What a stopping rule knows of trials and has decided about them: rows, so that a killed sweep goes on exactly.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/store.h"

namespace marginalia::store {

enum class Decision { waiting, promoted, pruned };
std::string_view name_of(Decision);

// A step at which a trial was compared with others.
struct Rung {
    std::int64_t number = 0;  // of the trial's, from 0
    std::int64_t step = 0;
    double value = 0;  // of the rule's metric; NaN where it was none
    Decision decision = Decision::waiting;
    std::optional<double> decided = {};  // seconds since the epoch
};

// A trial as the rule sees it.
struct Standing {
    TrialId trial = 0;
    Status status = Status::queued;
    bool trained = false;
    std::int64_t checkpoint_step = -1;
    std::vector<Rung> rungs;  // by number
};

// By number; of these trials by trial, those without any left out.
std::vector<Rung> rungs_of(Store&, TrialId trial);
std::map<TrialId, std::vector<Rung>> rungs_of(Store&, std::span<const TrialId> trials);
// Of the trials that there are, by number.
std::vector<Standing> standings(Store&, std::span<const TrialId> trials);

// Each in one transaction with the trial's status. The value is that of the metric at this very step.
void wait_at_rung(Store&, TrialId trial, std::int64_t number, std::int64_t step, std::string_view metric);
void promote(Store&, TrialId trial, std::int64_t number);                           // paused -> queued
void prune(Store&, TrialId trial, std::int64_t number, const std::string& reason);  // paused -> pruned
// Of a trial that did not wait: adds the rung.
void prune_at(Store&, TrialId trial, const Rung& rung, const std::string& reason);

// A training that goes on with a part of its learning rate, and why.
struct Setback {
    double rate = 1;     // of the learning rate that the trial asks for
    std::string reason;  // empty: there was none
};
Setback setback_of(Store&, TrialId trial);
// Keeps it and queues the trial, in one transaction. forget_setback: the trial begins anew.
void set_back(Store&, TrialId trial, const Setback& setback);
void forget_setback(Store&, TrialId trial);
// All trials with one: their weights are not those that their config alone gives.
std::vector<TrialId> trials_set_back(Store&);

}  // namespace marginalia::store
