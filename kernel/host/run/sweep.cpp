#include "kernel/host/run/sweep.h"

#include <fmt/format.h>

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

}  // namespace

store::PlannedSweep planned(const Experiment& experiment, const std::string& provenance) {
    store::PlannedSweep sweep{experiment.name,
                              experiment.description,
                              std::filesystem::absolute(experiment.file).string(),
                              experiment.toml,
                              provenance,
                              {}};
    sweep.trials.reserve(experiment.trials.size());
    for (const TrialConfig& trial : experiment.trials)
        sweep.trials.push_back({trial.config.dump(), trial.hash, trial.seed});
    return sweep;
}

std::string swept_value(const TrialConfig& trial, const std::string& dotted_key) {
    const nlohmann::json* value = at_dotted(trial.config, dotted_key);
    if (!value) return {};
    if (value->is_string()) return value->get<std::string>();
    if (value->is_number_float()) return fmt::format("{}", value->get<double>());
    return value->dump();
}

std::string label_of(const Experiment& experiment, const TrialConfig& trial) {
    std::string plugins, others;
    for (const std::string& key : experiment.swept) {
        const std::string value = swept_value(trial, key);
        if (value.empty()) continue;
        const bool names_plugin = key.ends_with(".plugin");
        const std::string name = names_plugin ? key.substr(0, key.rfind('.')) : key.substr(key.rfind('.') + 1);
        (names_plugin ? plugins : others) += ", " + name + " " + value;
    }
    return "seed " + std::to_string(trial.seed) + plugins + others;
}

Action action_for(store::Status status, const WorkOptions& options, bool changed) {
    if (status == store::Status::done) return changed && options.again ? Action::run : Action::skip_done;
    if (status == store::Status::running) return Action::leave_running;
    const store::StatusFacts& facts = store::facts_of(status);
    if (facts.failed && (options.retry_failed || changed)) return Action::run;
    return facts.ended ? Action::leave_failed : Action::run;
}

WorkList work_list(const Experiment& experiment, const std::vector<store::Trial>& stored,
                   const std::vector<std::string>& changes, const WorkOptions& options) {
    WorkList list;
    for (std::size_t i = 0; i < stored.size(); ++i) {
        const bool changed = !changes[i].empty();
        const Action action = action_for(stored[i].status, options, changed);
        list.done += action == Action::skip_done;
        list.left_failed += action == Action::leave_failed;
        list.running += action == Action::leave_running;
        if (action == Action::skip_done && changed && list.changed++ == 0) list.change = changes[i];
        if (action != Action::run) continue;
        const TrialConfig& config = experiment.trials[i];
        list.jobs.push_back(
            {stored[i].id, &config, label_of(experiment, config), stored[i].checkpoint_step >= 0 && !changed ? -1 : 0});
        if (action_for(stored[i].status, {}) == Action::run) continue;  // it had not ended
        list.to_requeue.push_back(stored[i].id);
        if (changed) list.to_forget.push_back(stored[i].id);
    }
    return list;
}

}  // namespace marginalia
