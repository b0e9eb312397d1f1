#include "kernel/host/results/results.h"

#include <fmt/format.h>
#include <marginalia/error.h>
#include <marginalia/lists.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <set>
#include <unordered_map>

#include "kernel/host/results/text.h"
#include "kernel/spec/metrics.h"
#include "store/error.h"
#include "store/queries.h"

namespace marginalia {
namespace {

void flatten_into(FlatConfig& flat, const nlohmann::json& value, const std::string& prefix) {
    if (value.is_object()) {
        for (const auto& [key, inner] : value.items())
            flatten_into(flat, inner, prefix.empty() ? key : prefix + "." + key);
        return;
    }
    flat[prefix] = value.is_string() ? value.get<std::string>() : value.dump();
}

std::string label_of(const FlatConfig& config, const std::vector<std::string>& keys, const std::string& otherwise) {
    std::string label;
    for (const std::string& key : keys) {
        if (!label.empty()) label += ", ";
        label += short_key(key, keys) + " = " + config_value(config, key);
    }
    return label.empty() ? otherwise : label;
}

void average(Group& group, const std::vector<TrialResult>& trials) {
    std::map<std::string, std::vector<double>> values;
    for (const std::size_t index : group.trials) {
        const TrialResult& result = trials[index];
        group.failed += store::facts_of(result.trial.status).failed;
        if (result.trial.status != store::Status::done) continue;
        ++group.done;
        for (const auto& [name, value] : result.finals) values[name].push_back(value);
    }
    for (const auto& [name, list] : values) group.finals[name] = *estimate(list);
}

// Drops train.start_from where the other keys tell the configs apart as well: a first stage follows from what it shares
// with the second.
void drop_start(std::vector<std::string>& differing, const std::vector<const FlatConfig*>& configs) {
    const auto start = std::find(differing.begin(), differing.end(), "train.start_from");
    if (start == differing.end()) return;
    std::vector<std::string> others = differing;
    others.erase(others.begin() + (start - differing.begin()));
    const auto kinds = [&](const std::vector<std::string>& keys) {
        std::set<std::vector<std::string>> values;
        for (const FlatConfig* config : configs) {
            std::vector<std::string> row;
            for (const std::string& key : keys) row.push_back(config_value(*config, key));
            values.insert(std::move(row));
        }
        return values.size();
    };
    if (kinds(others) == kinds(differing)) differing = std::move(others);
}

// What the values that are not finite all are; NaN where they differ.
double common_of_not_finite(const std::vector<double>& values) {
    std::optional<double> common;
    for (const double value : values)
        if (!std::isfinite(value)) common = !common || *common == value ? value : std::nan("");
    return common.value_or(0);
}

}  // namespace

FlatConfig flatten(const nlohmann::json& config) {
    FlatConfig flat;
    if (config.is_object()) flatten_into(flat, config, "");
    return flat;
}

FlatConfig flatten_text(const std::string& json) { return flatten(nlohmann::json::parse(json, nullptr, false)); }

FlatConfig config_of(const store::Store& store, const store::Trial& trial) {
    const nlohmann::json config = nlohmann::json::parse(trial.config, nullptr, false);
    if (!config.is_object())
        throw store::damaged_store(store.file(), fmt::format("the config of trial {} is not JSON", trial.id));
    return flatten(config);
}

std::optional<Estimate> estimate(const std::vector<double>& values) {
    Estimate result;
    double sum = 0;
    for (const double value : values) {
        if (!std::isfinite(value)) continue;
        sum += value;
        ++result.count;
    }
    result.left_out = values.size() - result.count;
    if (result.left_out > 0) result.left_out_value = common_of_not_finite(values);
    if (values.empty()) return std::nullopt;
    if (result.count == 0) {
        result.mean = result.left_out_value;
        return result;
    }
    const auto n = static_cast<double>(result.count);
    result.mean = sum / n;
    if (result.count < 2) return result;
    double squares = 0;
    for (const double value : values)
        if (std::isfinite(value)) squares += (value - result.mean) * (value - result.mean);
    result.standard_error = std::sqrt(squares / (n - 1) / n);
    return result;
}

std::string estimate_text(const Estimate& estimate, const std::optional<double>& error) {
    const std::string text = estimate_text(estimate.mean, error);
    if (estimate.count == 0 || estimate.left_out == 0) return text;
    return text + " (" + std::to_string(estimate.left_out) + " of " +
           std::to_string(estimate.count + estimate.left_out) + " " + number_text(estimate.left_out_value) + ")";
}

std::vector<std::string> differing_keys(const std::vector<const FlatConfig*>& configs) {
    std::map<std::string, std::set<std::string>> values;
    std::map<std::string, std::size_t> holders;
    for (const FlatConfig* config : configs) {
        for (const auto& [key, value] : *config) {
            values[key].insert(value);
            ++holders[key];
        }
    }
    // A parameter that only some plugins have says nothing that the plugin's name does not.
    const auto follows_plugin = [&](const std::string& key) {
        const std::string plugin = key.substr(0, key.find('.')) + ".plugin";
        return key != plugin && values.contains(plugin) &&
               (values[plugin].size() > 1 || holders[plugin] < configs.size());
    };
    std::vector<std::string> differing;
    for (const auto& [key, distinct] : values)
        if (distinct.size() > 1 || (holders[key] < configs.size() && !follows_plugin(key))) differing.push_back(key);
    drop_start(differing, configs);
    return differing;
}

std::string short_key(const std::string& key, const std::vector<std::string>& keys) {
    const auto last = [](const std::string& name) {
        if (name.ends_with(".plugin")) return name.substr(0, name.size() - 7);
        return name.substr(name.rfind('.') + 1);
    };
    const std::string tail = last(key);
    const auto alike =
        std::count_if(keys.begin(), keys.end(), [&](const std::string& other) { return last(other) == tail; });
    return alike > 1 ? key : tail;
}

ExperimentResults load_results(store::Store& store, const store::TrialFilter& filter, bool or_last) {
    std::vector<TrialResult> trials;
    std::vector<store::TrialId> ids;
    std::unordered_map<std::string, FlatConfig> read;  // by their text, which the seeds of a configuration share
    for (store::Trial& trial : store::list_trials(store, filter)) {
        ids.push_back(trial.id);
        const auto [config, is_new] = read.try_emplace(trial.config);
        if (is_new) config->second = config_of(store, trial);
        trials.push_back({std::move(trial), config->second, {}});
    }
    if (ids.empty()) return gather({}, filter.experiment);
    std::map<store::TrialId, std::map<std::string, double>> finals = store::metric_values(store, ids, or_last);
    for (TrialResult& result : trials) result.finals = std::move(finals[result.trial.id]);
    return gather(std::move(trials), filter.experiment);
}

ExperimentResults gather(std::vector<TrialResult> trials, std::string name) {
    ExperimentResults results;
    results.name = std::move(name);
    results.trials = std::move(trials);
    std::map<std::string, std::size_t> group_of;
    std::set<std::string> finals;
    std::map<std::string, std::set<double>> known_references;
    for (std::size_t i = 0; i < results.trials.size(); ++i) {
        const TrialResult& result = results.trials[i];
        const auto [found, fresh] = group_of.emplace(result.trial.config_hash, results.groups.size());
        if (fresh) {
            results.groups.emplace_back();
            results.groups.back().hash = result.trial.config_hash;
            results.groups.back().config = result.config;
        }
        results.groups[found->second].trials.push_back(i);
        for (const auto& [metric, value] : result.finals) {
            if (!is_reference(metric)) {
                finals.insert(metric);
            } else if (metric.ends_with("_exact")) {
                if (std::isnan(value) || known_references[metric].insert(value).second)
                    results.references[metric].push_back(value);
            }
        }
    }
    std::vector<const FlatConfig*> configs;
    for (const Group& group : results.groups) configs.push_back(&group.config);
    if (!configs.empty()) {
        results.differing = differing_keys(configs);
        results.shared = *configs.front();
    }
    for (const std::string& key : results.differing) results.shared.erase(key);
    for (Group& group : results.groups) {
        group.label = label_of(group.config, results.differing, results.name);
        average(group, results.trials);
    }
    results.final_names = by_importance({finals.begin(), finals.end()});
    return results;
}

std::string config_value(const FlatConfig& config, const std::string& key) {
    const auto found = config.find(key);
    return found == config.end() ? std::string("—") : found->second;
}

ShownEstimate shown_estimate(const Group& group, const std::string& metric) {
    const auto found = group.finals.find(metric);
    if (found == group.finals.end()) return {};
    ShownEstimate shown;
    std::optional<double> error = found->second.standard_error;
    const auto own = group.finals.find(metric + "_stderr");
    if (!error && own != group.finals.end() && std::isfinite(found->second.mean)) {
        error = own->second.mean;
        shown.of_samples = true;
    }
    shown.text = estimate_text(found->second, error);
    shown.value = {found->second.mean, error ? nlohmann::json(*error) : nlohmann::json()};
    return shown;
}

Tone tone_of(store::Status status) {
    constexpr Tone tones[] = {Tone::plain, Tone::good, Tone::warn, Tone::bad};  // of each Mood
    return tones[static_cast<std::size_t>(store::facts_of(status).mood)];
}

std::optional<double> running_time(const store::Trial& trial, double now) {
    if (!trial.started) return std::nullopt;
    // A clock may have been set back meanwhile.
    if (trial.status == store::Status::running) return std::max(0.0, now - *trial.started);
    if (trial.seconds > 0) return trial.seconds;
    if (trial.finished) return std::max(0.0, *trial.finished - *trial.started);
    return std::nullopt;
}

double now_seconds() {
    if (const char* fixed = std::getenv("SOURCE_DATE_EPOCH")) {
        if (const auto seconds = whole_numbers(fixed, 0, 253402300799); seconds && seconds->size() == 1)
            return static_cast<double>(seconds->front());
        throw Error(std::string("SOURCE_DATE_EPOCH is '") + fixed +
                    "'; it must be the seconds since 1970, a whole number, or not be set");
    }
    return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace marginalia
