// What `compare` and `diff` share.
#pragma once

#include <string>
#include <vector>

#include "kernel/host/results/results.h"
#include "kernel/host/results/table.h"
#include "kernel/host/verbs/stores.h"
#include "store/queries.h"

namespace marginalia {

// A trial of one of the stores.
struct ChosenTrial {
    OpenStore* store;
    store::Trial trial;
    bool several = false;  // stores
};
std::string name_of(const ChosenTrial& chosen);  // "trial 4", or "a.db:4" where there are several stores

TrialResult result_of(store::Store& store, store::Trial trial);  // with its figures

// The trials that the user named, with their figures.
std::vector<TrialResult> named_trials(store::Store& store, const std::vector<std::string>& names);

// Config keys and metrics that they have, the keys only where they differ and in the order of the first one's file.
std::vector<std::string> keys_that_differ(store::Store& store_of_first, const std::vector<TrialResult>& trials);
std::vector<std::string> metrics_of(const std::vector<TrialResult>& trials);

Cell metric_cell(const TrialResult& result, const std::string& metric);

}  // namespace marginalia
