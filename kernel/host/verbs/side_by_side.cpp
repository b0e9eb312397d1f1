#include "kernel/host/verbs/side_by_side.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <set>

#include "kernel/host/verbs/lookup.h"
#include "kernel/spec/metrics.h"

namespace marginalia {

std::string name_of(const ChosenTrial& chosen) {
    return chosen.several ? fmt::format("{}:{}", chosen.store->name, chosen.trial.id)
                          : fmt::format("trial {}", chosen.trial.id);
}

TrialResult result_of(store::Store& store, store::Trial trial) {
    auto config = std::make_shared<FlatConfig>(config_of(store, trial));
    const std::vector<store::TrialId> id = {trial.id};
    std::map<std::string, double> finals = store::metric_values(store, id, true)[trial.id];
    return {std::move(trial), std::move(config), std::move(finals)};
}

std::vector<TrialResult> named_trials(store::Store& store, const std::vector<std::string>& names) {
    std::vector<TrialResult> trials;
    for (const std::string& name : names) trials.push_back(result_of(store, find_trial(store, name)));
    return trials;
}

TellingKeys keys_that_differ(store::Store& store_of_first, const std::vector<TrialResult>& trials) {
    std::set<std::string> keys;
    for (const TrialResult& result : trials)
        for (const auto& [key, value] : *result.config) keys.insert(key);
    std::vector<std::string> differing;
    for (const std::string& key : keys)
        if (std::any_of(trials.begin(), trials.end(), [&](const TrialResult& result) {
                return config_value(*result.config, key) != config_value(*trials.front().config, key);
            }))
            differing.push_back(key);
    key_order(store_of_first, trials.front().trial.experiment).sort(differing);
    std::vector<const FlatConfig*> configs;
    for (const TrialResult& result : trials) configs.push_back(result.config.get());
    return {std::move(differing), configs};
}

std::vector<std::string> metrics_of(const std::vector<TrialResult>& trials) {
    std::set<std::string> names;
    for (const TrialResult& result : trials)
        for (const auto& [name, value] : result.finals)
            if (axis_of(name) == Axis::step) names.insert(name);
    return by_importance({names.begin(), names.end()});
}

Cell metric_cell(const TrialResult& result, const std::string& metric) {
    const auto found = result.finals.find(metric);
    return found == result.finals.end() ? Cell() : Cell::number(found->second);
}

}  // namespace marginalia
