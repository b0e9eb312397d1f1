#include "kernel/host/run/start_from.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <tuple>

#include <fmt/format.h>
#include <marginalia/error.h>

#include "kernel/host/run/work_list.h"
#include "kernel/spec/metrics.h"
#include "kernel/spec/nearest.h"
#include "store/queries.h"

namespace marginalia {
namespace {

std::string experiment_of(const std::string& start_from) { return start_from.substr(0, start_from.find('@')); }

std::set<std::string> start_experiments(const Experiment& experiment) {
    std::set<std::string> names;
    for (const TrialConfig& trial : experiment.trials)
        if (const std::string start = train_of(trial.config).start_from; !start.empty())
            names.insert(experiment_of(start));
    if (experiment.stage1) names.erase(experiment.stage1->name);  // will have been run
    return names;
}

// The finished trials of an experiment that model this target; nullopt where all of it model the same, which may be
// another one.
std::optional<std::vector<store::TrialId>> of_target(store::Store& store, const std::string& experiment,
                                                     const std::string& target) {
    std::map<std::string, std::string> targets;  // by config hash
    std::set<std::string> distinct;
    std::vector<store::TrialId> same;
    for (const store::Trial& trial : store::list_trials(store, {.experiment = experiment})) {
        if (!trial.trained) continue;
        const auto [found, is_new] = targets.try_emplace(trial.config_hash);
        if (is_new) found->second = target_of(nlohmann::json::parse(trial.config, nullptr, false));
        distinct.insert(found->second);
        if (found->second == target) same.push_back(trial.id);
    }
    return distinct.size() > 1 ? std::optional(std::move(same)) : std::nullopt;
}

bool models(store::Store& store, store::TrialId trial, const std::string& target) {
    const std::optional<store::Trial> found = store.find(trial);
    return found && target_of(nlohmann::json::parse(found->config, nullptr, false)) == target;
}

using Take = std::function<bool(store::TrialId)>;  // false: no more is wanted

// The best by each metric, among `only`.
void each_best(store::Store& store, const std::string& experiment, std::int64_t limit,
               const std::optional<std::vector<store::TrialId>>& only, const Take& take) {
    for (const std::string& metric : ranking_metrics())
        for (const auto& ranked :
             store::best_trials(store, {.metric = metric, .experiment = experiment, .limit = limit, .only = only}))
            if (!take(ranked.trial.id)) return;
}

// Finished trials that may give the network, the one that is meant first, until `take` wants no more.
void each_candidate(store::Store& store, const std::string& start_from, std::int64_t seed, const std::string& target,
                    std::int64_t limit, const Take& take) {
    const std::size_t at = start_from.find('@');
    const std::string experiment = experiment_of(start_from);
    if (at != start_from.npos) {
        for (const store::TrialId trial : store::done_trials(store, experiment, start_from.substr(at + 1), seed, limit))
            if (!take(trial)) return;
        return;
    }
    // To know all of an experiment's targets takes all of its trials: mostly the first that comes up is of the one that
    // is wanted, and what comes first among all is first among those of its target.
    const Take take_if_alike = [&](store::TrialId trial) { return !models(store, trial, target) || take(trial); };
    const std::vector<store::TrialId> of_seed = store::done_trials(store, experiment, "", seed, 1);
    if (!of_seed.empty() && !take_if_alike(of_seed.front())) return;
    std::optional<store::TrialId> best;  // by the first metric that any trial has
    if (of_seed.empty())
        each_best(store, experiment, 1, std::nullopt, [&](store::TrialId trial) {
            best = trial;
            return false;
        });
    if (best && !take_if_alike(*best)) return;
    const std::optional<std::vector<store::TrialId>> only = of_target(store, experiment, target);
    for (const store::TrialId trial : store::done_trials(store, experiment, "", seed, only ? -1 : limit))
        if ((!only || std::ranges::binary_search(*only, trial)) && !take(trial)) return;
    each_best(store, experiment, limit, only, take);
}

// What a trial starts from; `from` is empty where that is nothing.
struct Start {
    std::string from, target;
};

Start start_of(const store::Trial& trial) {
    const auto config = nlohmann::json::parse(trial.config, nullptr, false);
    const nlohmann::json::json_pointer key("/train/start_from");
    if (!config.is_object() || !config.contains(key) || !config[key].is_string()) return {};
    return {config[key].get<std::string>(), target_of(config)};
}

bool is_to_start(const store::Trial& trial) {
    const bool goes_on = !store::facts_of(trial.status).ended || trial.status == store::Status::paused;
    return goes_on && !trial.trained && trial.checkpoint_step < 0;
}

// What of `trials` another one of this start and seed needs.
class Needs {
public:
    Needs(store::Store& store, const std::vector<store::TrialId>& trials)
        : store_(store), removed_(trials.begin(), trials.end()) {}

    bool concern(const store::Trial& other) const { return !removed_.contains(other.id); }

    std::optional<store::TrialId> of(const Start& start, std::int64_t seed, bool to_start) {
        const auto [known, is_new] = known_.try_emplace({start.from, start.target, seed, to_start});
        if (is_new) known->second = look(start, seed, to_start);
        return known->second;
    }

private:
    std::optional<store::TrialId> look(const Start& start, std::int64_t seed, bool to_start) {
        const auto meant = find_network(store_, start.from, seed, start.target);
        if (!meant || !removed_.contains(meant->trial)) return std::nullopt;
        const auto stays = [&](store::TrialId trial) {
            return !removed_.contains(trial) && store_.find_checkpoint(trial).has_value();
        };
        bool another = false;
        if (!to_start)
            each_candidate(store_, start.from, seed, start.target, -1,
                           [&](store::TrialId trial) { return !(another = stays(trial)); });
        return another ? std::nullopt : std::optional(meant->trial);
    }

    store::Store& store_;
    const std::set<store::TrialId> removed_;
    std::map<std::tuple<std::string, std::string, std::int64_t, bool>, std::optional<store::TrialId>> known_;
};

}  // namespace

std::optional<store::StoredCheckpoint> find_network(store::Store& store, const std::string& start_from,
                                                    std::int64_t seed, const std::string& target) {
    std::optional<store::StoredCheckpoint> found;
    each_candidate(store, start_from, seed, target, 1, [&](store::TrialId candidate) {
        found = store.find_checkpoint(candidate);
        return !found;
    });
    return found;
}

std::vector<Need> needs_of_others(store::Store& store, const std::vector<store::TrialId>& trials) {
    Needs needs(store, trials);
    std::map<std::string, Start> starts;  // by config hash: seeds share one
    std::vector<Need> found;
    for (const store::Trial& other : store::list_trials(store)) {
        if (!needs.concern(other)) continue;
        const auto [start, is_new] = starts.try_emplace(other.config_hash);
        if (is_new) start->second = start_of(other);
        if (start->second.from.empty()) continue;
        const bool to_start = is_to_start(other);
        if (const auto needed = needs.of(start->second, other.seed, to_start))
            found.push_back({*needed, other.id, to_start});
    }
    return found;
}

void require_start_experiments(const Experiment& experiment, const std::filesystem::path& store) {
    const std::set<std::string> needed = start_experiments(experiment);
    if (needed.empty()) return;
    std::vector<std::string> finished;
    if (std::filesystem::exists(store)) {
        store::Store reader = store::Store::open_to_read(store);
        for (const store::ExperimentInfo& info : store::list_experiments(reader))
            if (info.by_status.contains(store::Status::done)) finished.push_back(info.name);
    }
    for (const std::string& name : needed)
        if (std::find(finished.begin(), finished.end(), name) == finished.end())
            throw Error(
                fmt::format("train.start_from = \"{}\": the store holds no finished trial of an experiment of "
                            "that name, so run it first{}",
                            name, suggestion(name, finished, "experiments with finished trials")));
}

}  // namespace marginalia
