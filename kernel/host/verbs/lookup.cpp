#include "kernel/host/verbs/lookup.h"

#include <fmt/format.h>
#include <marginalia/error.h>

#include <algorithm>
#include <optional>
#include <set>

#include "kernel/host/results/best_trial.h"
#include "kernel/spec/nearest.h"
#include "store/error.h"

namespace marginalia {

using store::StoreError;

std::string find_experiment(store::Store& store, const std::string& name) {
    const std::vector<std::string> names = store::experiment_names(store);
    if (names.empty())
        throw StoreError(StoreError::Kind::no_match,
                         "the store holds no experiment yet; `marginalia run FILE` adds one");
    if (name.empty()) return store::newest_sweep(store).experiment;
    if (std::find(names.begin(), names.end(), name) != names.end()) return name;
    throw StoreError(StoreError::Kind::no_match,
                     fmt::format("no experiment '{}' in this store{}", name, suggestion(name, names, "experiments")));
}

store::Trial find_trial(store::Store& store, const std::string& name, const std::string& experiment) {
    const std::optional<BestName> best = best_name(name);
    if (!best) return store::resolve_trial(store, name, experiment);
    if (!best->experiment.empty()) find_experiment(store, best->experiment);
    return find_best(store, *best, experiment);
}

std::vector<store::TrialId> find_trials(store::Store& store, const std::vector<std::string>& names) {
    std::vector<store::TrialId> trials;
    for (const std::string& name : names) {
        const store::TrialId trial = find_trial(store, name).id;
        if (std::ranges::find(trials, trial) == trials.end()) trials.push_back(trial);
    }
    return trials;
}

std::string find_key(const std::string& key, const std::vector<std::string>& keys) {
    if (std::find(keys.begin(), keys.end(), key) != keys.end()) return key;
    std::vector<std::string> fitting, tails;
    for (const std::string& other : keys) {
        tails.push_back(other.substr(other.rfind('.') + 1));
        if (other.ends_with("." + key)) fitting.push_back(other);
    }
    if (fitting.size() == 1) return fitting.front();
    if (fitting.size() > 1)
        throw Error(fmt::format("config key '{}' may be any of {}; write one of them", key, listed(fitting)));
    // Names its whole keys, yet finds a misspelt last part.
    const std::string meant = nearest(key, tails);
    const auto whole = std::find(tails.begin(), tails.end(), meant);
    if (!meant.empty())
        throw Error(fmt::format("no trial has a config key '{}'; did you mean '{}'? keys: {}", key,
                                keys[static_cast<std::size_t>(whole - tails.begin())], listed_by_nearness(key, keys)));
    throw Error(fmt::format("no trial has a config key '{}'{}", key, suggestion(key, keys, "keys")));
}

std::vector<std::string> all_keys(const ExperimentResults& results) {
    std::set<std::string> keys = {"seed"};
    for (const Group& group : results.groups)
        for (const auto& [key, value] : *group.config) keys.insert(key);
    return {keys.begin(), keys.end()};
}

void require_metric(const std::string& metric, const std::vector<std::string>& names) {
    if (std::find(names.begin(), names.end(), metric) != names.end()) return;
    throw StoreError(StoreError::Kind::no_match,
                     fmt::format("no trial has a metric '{}'{}", metric, suggestion(metric, names, "metrics")));
}

}  // namespace marginalia
