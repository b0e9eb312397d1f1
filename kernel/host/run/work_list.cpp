#include "kernel/host/run/work_list.h"

#include <fmt/format.h>

#include <map>
#include <set>

#include "kernel/host/results/telling_keys.h"
#include "kernel/spec/identity.h"

namespace marginalia {
namespace {

const nlohmann::json* at_dotted(const nlohmann::json& config, const std::string& key) {
    const nlohmann::json* node = &config;
    for (std::size_t begin = 0; begin <= key.size();) {
        const std::size_t end = std::min(key.find('.', begin), key.size());
        const auto found = node->is_object() ? node->find(key.substr(begin, end - begin)) : node->end();
        if (!node->is_object() || found == node->end()) return nullptr;
        node = &*found;
        begin = end + 1;
    }
    return node;
}

// Each trial counts once, in the order of the sweep.
std::set<store::TrialId> within_budget(const Experiment& experiment, const std::vector<store::Trial>& stored,
                                       WorkList& list) {
    std::set<store::TrialId> all, within;
    std::map<std::string, std::size_t> targets;
    const std::int64_t budget = experiment.stop.trial_budget;
    for (std::size_t i = 0; i < stored.size(); ++i) {
        const store::TrialId trial = stored[i].id;
        if (!all.insert(trial).second) continue;
        if (budget > 0 && std::ssize(within) == budget) continue;
        within.insert(trial);
        const std::string target = target_of(experiment.trials[i].config);
        const auto [place, is_new] = targets.try_emplace(target, list.sweep.size());
        if (is_new) list.sweep.emplace_back();
        list.sweep[place->second].push_back(trial);
    }
    list.beyond_budget = all.size() - within.size();
    return within;
}

}  // namespace

store::PlannedSweep planned(const Experiment& experiment, const std::string& provenance) {
    store::PlannedSweep sweep{experiment.name,
                              experiment.description,
                              std::filesystem::absolute(experiment.file).string(),
                              experiment.toml,
                              provenance,
                              {}};
    sweep.trials.reserve(experiment.trials.size());
    for (const TrialConfig& trial : experiment.trials) {
        nlohmann::json training = nlohmann::json::object(), evaluation = training;
        for (const auto& [table, values] : trial.config.items())
            (shapes_weights(table) ? training : evaluation)[table] = values;
        sweep.trials.push_back({.config = training.dump(),
                                .config_hash = trial.hash,
                                .seed = trial.seed,
                                .evaluation = evaluation.empty() ? "" : evaluation.dump(),
                                .evaluation_hash = trial.evaluation_hash});
    }
    return sweep;
}

std::string target_of(const nlohmann::json& config) {
    std::string text;
    for (const char* table : {"energy", "dataset"})
        if (const auto found = config.find(table); found != config.end()) text += found->dump() + '\n';
    return text;
}

std::string swept_value(const TrialConfig& trial, const std::string& dotted_key) {
    const bool is_ask = dotted_key.starts_with("resources.");
    const nlohmann::json asks = is_ask ? nlohmann::json{{"resources", trial.resources}} : nlohmann::json();
    const nlohmann::json* value = at_dotted(is_ask ? asks : trial.config, dotted_key);
    if (!value) return {};
    if (value->is_string()) return value->get<std::string>();
    if (value->is_number_float()) return fmt::format("{}", value->get<double>());
    return value->dump();
}

std::string label_of(const Experiment& experiment, const TrialConfig& trial) {
    std::string label = "seed " + std::to_string(trial.seed);
    for (const std::string& key : experiment.swept) {
        const std::string value = shown_value(swept_value(trial, key));
        if (!value.empty()) label += ", " + short_key(key, experiment.swept) + " " + value;
    }
    return label;
}

Action action_for(store::Status status, const WorkOptions& options, bool changed) {
    if (status == store::Status::done) return changed && options.again ? Action::run : Action::skip_done;
    if (status == store::Status::running) return Action::leave_running;
    const store::StatusFacts& facts = store::facts_of(status);
    if (facts.failed) return options.retry_failed || changed ? Action::run : Action::leave_failed;
    return facts.ended ? Action::leave_stopped : Action::run;
}

WorkList work_list(const Experiment& experiment, const std::vector<store::Trial>& stored,
                   const std::vector<std::string>& changes, const WorkOptions& options) {
    WorkList list;
    const std::set<store::TrialId> in_budget = within_budget(experiment, stored, list);
    // Of trials among the jobs and the others: one may be evaluated in several ways.
    std::map<store::TrialId, std::size_t> places, other_places;
    for (std::size_t i = 0; i < stored.size(); ++i) {
        const store::Trial& trial = stored[i];
        if (!in_budget.contains(trial.id)) continue;
        const bool changed = !changes[i].empty();
        const Action action = trial.waits                    ? Action::run
                              : store::is_handed_over(trial) ? Action::leave_submitted
                                                             : action_for(trial.status, options, changed);
        list.done += action == Action::skip_done;
        list.submitted += action == Action::leave_submitted;
        if (action == Action::leave_failed) list.left_failed.push_back(trial.id);
        if (action == Action::leave_running) list.running.push_back(trial.id);
        if (action == Action::leave_stopped) ++list.stopped[trial.status];
        if (action == Action::skip_done && changed && list.changed++ == 0) list.change = changes[i];
        const TrialConfig& config = experiment.trials[i];
        const std::string label = label_of(experiment, config);
        std::deque<Job>& jobs = action == Action::run ? list.jobs : list.others;
        auto& known = action == Action::run ? places : other_places;
        const auto [place, is_new] = known.try_emplace(trial.id, jobs.size());
        if (is_new)
            jobs.push_back({.trial = trial.id,
                            .config = &config,
                            .label = label,
                            .evaluations = {},
                            .trained = trial.trained && trial.evaluation != 0 && !changed,
                            .waits = trial.waits,
                            .latest = {},
                            .threads = trial.checkpoint_step >= 0 && !changed ? -1 : 0});
        if (trial.evaluation != 0) jobs[place->second].evaluations.push_back({trial.evaluation, &config, label});
        if (action != Action::run) continue;
        if (trial.waits || action_for(trial.status, {}) == Action::run) continue;  // it had not ended
        list.to_requeue.emplace_back(trial.id, trial.evaluation);
        if (changed) list.to_forget.push_back(trial.id);
    }
    return list;
}

}  // namespace marginalia
