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

// What the values that are not finite all are; NaN where they differ.
double common_of_not_finite(const std::vector<double>& values) {
    std::optional<double> common;
    for (const double value : values)
        if (!std::isfinite(value)) common = !common || *common == value ? value : std::nan("");
    return common.value_or(0);
}

}  // namespace

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

ExperimentResults load_results(store::Store& store, const store::TrialFilter& filter, bool or_last) {
    std::vector<TrialResult> trials;
    std::vector<store::TrialId> ids;
    std::unordered_map<std::string, SharedConfig> read;  // by its text
    for (store::Trial& trial : store::list_trials(store, filter)) {
        ids.push_back(trial.id);
        SharedConfig& config = read[trial.config];
        if (!config) config = std::make_shared<FlatConfig>(config_of(store, trial));
        trials.push_back({std::move(trial), config, {}});
    }
    if (ids.empty()) return gather({}, filter.experiment);
    std::map<store::TrialId, std::map<std::string, double>> finals = store::metric_values(store, ids, or_last);
    for (TrialResult& result : trials) result.finals = std::move(finals[result.trial.id]);
    return gather(std::move(trials), filter.experiment, key_order(store, filter.experiment));
}

ExperimentResults gather(std::vector<TrialResult> trials, std::string name, KeyOrder order) {
    ExperimentResults results;
    results.name = std::move(name);
    results.order = std::move(order);
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
    for (const Group& group : results.groups) configs.push_back(group.config.get());
    if (!configs.empty()) {
        results.telling = TellingKeys(configs, results.order);
        results.differing = results.telling.keys();
        for (auto& line : lines_of(*configs.front(), results.order))
            if (std::ranges::find(results.differing, line.first) == results.differing.end())
                results.shared.push_back(std::move(line));
    }
    for (Group& group : results.groups) {
        group.label = results.differing.empty() ? results.name : results.telling.text(*group.config);
        average(group, results.trials);
    }
    results.final_names = by_importance({finals.begin(), finals.end()});
    return results;
}

std::optional<double> shown_error(const Group& group, const std::string& metric) {
    const auto found = group.finals.find(metric);
    if (found == group.finals.end() || !std::isfinite(found->second.mean)) return std::nullopt;
    if (found->second.standard_error) return found->second.standard_error;
    const auto own = group.finals.find(metric + "_stderr");
    return own == group.finals.end() ? std::nullopt : std::optional(own->second.mean);
}

ShownEstimate shown_estimate(const Group& group, const std::string& metric) {
    const auto found = group.finals.find(metric);
    if (found == group.finals.end()) return {};
    ShownEstimate shown;
    const std::optional<double> error = shown_error(group, metric);
    shown.of_samples = error && !found->second.standard_error;
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
