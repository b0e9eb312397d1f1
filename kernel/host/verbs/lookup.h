// Finding what the user named: experiments, trials, config keys.
#pragma once

#include <string>
#include <vector>

#include "kernel/host/results/results.h"
#include "kernel/host/results/text.h"
#include "store/queries.h"

namespace marginalia {

// The experiment of that name, or of the newest run if `name` is empty. Throws StoreError (no_match) with the nearest
// name and a list of what there is.
std::string find_experiment(store::Store& store, const std::string& name);

// The trial that resolve_trial (store/queries.h) or, of "best:METRIC@EXPERIMENT", find_best (best_trial.h) finds.
store::Trial find_trial(store::Store& store, const std::string& name, const std::string& experiment = "");

// The same for several names: each trial once, in this order.
std::vector<store::TrialId> find_trials(store::Store& store, const std::vector<std::string>& names);

// A config key as written, or the one whose last part it is ("learning_rate"). Throws Error with the nearest key where
// none or several fit.
std::string find_key(const std::string& key, const std::vector<std::string>& keys);

// All keys of these trials' configs, sorted, "seed" among them.
std::vector<std::string> all_keys(const ExperimentResults& results);

// Throws StoreError (no_match) unless the metric is among these names of metrics.
void require_metric(const std::string& metric, const std::vector<std::string>& names);

}  // namespace marginalia
