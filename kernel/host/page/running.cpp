// What runs now and what failed last.
#include <algorithm>
#include <cmath>
#include <map>

#include "kernel/base/printable.h"
#include "kernel/host/page/documents.h"
#include "kernel/host/top/rows.h"
#include "store/overview.h"

namespace marginalia::page {
namespace {

constexpr std::size_t most_failures = 20;
constexpr std::size_t most_configs = 64;  // read to find what tells an experiment's trials apart

Json known(double value) { return std::isfinite(value) ? Json(value) : Json(); }

// What tells trials of an experiment apart, by experiment.
class Labels {
public:
    explicit Labels(store::Store& store) : store_(store) {}

    std::string of(const store::LiveTrial& trial) {
        const std::vector<std::string>& keys = keys_of(trial.experiment);
        const FlatConfig config = flatten_text(trial.config);
        std::string label;
        for (const std::string& key : keys)
            if (config.contains(key)) label += short_key(key, keys) + " = " + config.at(key) + ", ";
        return label + "seed = " + std::to_string(trial.seed);
    }

private:
    const std::vector<std::string>& keys_of(const std::string& experiment) {
        const auto [found, is_new] = keys_.try_emplace(experiment);
        if (!is_new) return found->second;
        std::vector<FlatConfig> configs;
        for (const std::string& config : store::some_configs(store_, experiment, most_configs))
            configs.push_back(flatten_text(config));
        std::vector<const FlatConfig*> pointers;
        for (const FlatConfig& config : configs) pointers.push_back(&config);
        return found->second = differing_keys(pointers, key_order(store_, experiment));
    }

    store::Store& store_;
    std::map<std::string, std::vector<std::string>> keys_;
};

Json running_json(const store::LiveTrial& trial, const std::string& label, const std::optional<double>& since) {
    return {{"id", trial.id},
            {"experiment", trial.experiment},
            {"status", top::status_text(trial)},
            {"label", label},
            {"device", trial.device},
            {"host", trial.host},
            {"seconds", trial.seconds},
            {"stage", trial.phase},
            {"done", trial.done},
            {"of", trial.total > 0 ? Json(trial.total) : Json()},
            {"per_second", trial.rate > 0 ? known(trial.rate) : Json()},
            {"left", known(top::seconds_left(trial))},
            {"loss", trial.has_value ? known(trial.last) : Json()},
            {"since", since ? Json(*since) : Json()}};
}

Json trials_json(store::Store& store) {
    std::vector<store::TrialId> ids;
    std::map<store::TrialId, std::optional<double>> since;
    for (const store::Trial& trial : store::list_trials(store, {.statuses = {store::Status::running}})) {
        ids.push_back(trial.id);
        since[trial.id] = trial.started;
    }
    Labels labels(store);
    Json rows = Json::array();
    for (const store::LiveTrial& trial :
         store::live_trials(store, ids, {.name = "loss", .of = store::LiveMetric::Of::last}))
        rows.push_back(running_json(trial, labels.of(trial), since[trial.id]));
    return rows;
}

std::vector<store::Trial> newest_failures(store::Store& store) {
    std::vector<store::Status> statuses;
    for (std::size_t i = 0; i < std::size(store::statuses); ++i)
        if (store::statuses[i].failed) statuses.push_back(static_cast<store::Status>(i));
    std::vector<store::Trial> trials = store::list_trials(store, {.statuses = statuses});
    std::ranges::stable_sort(trials, std::greater(), [](const store::Trial& trial) { return trial.finished; });
    if (trials.size() > most_failures) trials.resize(most_failures);
    return trials;
}

}  // namespace

Json running_document(store::Store& store, std::int64_t revision) {
    Json counts = Json::object(), failed = Json::array();
    for (const store::TrialCount& count : store::count_trials(store, {})) {
        Json& sum = counts[std::string(store::name_of(count.status))];
        sum = count.trials + (sum.is_null() ? 0 : sum.get<std::int64_t>());
    }
    for (const store::Trial& trial : newest_failures(store))
        failed.push_back({{"id", trial.id},
                          {"experiment", trial.experiment},
                          {"status", store::name_of(trial.status)},
                          {"finished", trial.finished ? Json(*trial.finished) : Json()},
                          {"error", printable(trial.error, most_of_an_error)}});
    return {{"revision", revision},
            {"trials", trials_json(store)},
            {"counts", std::move(counts)},
            {"failed", std::move(failed)}};
}

}  // namespace marginalia::page
