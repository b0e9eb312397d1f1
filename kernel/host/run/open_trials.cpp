#include "kernel/host/run/open_trials.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

namespace marginalia {
namespace {

namespace fs = std::filesystem;

// A row that `recover` stood in for a lost one has an empty config, of which nothing can be made.
bool has_config(const store::Trial& trial) {
    const auto config = nlohmann::json::parse(trial.config, nullptr, false);
    return config.is_object() && config.contains("objective");
}

}  // namespace

OpenTrials::OpenTrials(const fs::path& store, const std::string& experiment, bool all_code) : all_code_(all_code) {
    store::Store reader = store::Store::open_to_read(store);
    for (store::Trial& trial : store::list_trials(reader, {.experiment = experiment})) {
        if (trial.status == store::Status::done || !has_config(trial)) continue;
        if (!runs_.contains(trial.sweep)) runs_.emplace(trial.sweep, store::sweep_of(reader, trial.sweep));
        trials_.push_back(std::move(trial));
    }
}

void OpenTrials::add_folders(std::vector<fs::path>& folders, const std::vector<std::string>& given) const {
    for (const auto& [id, run] : runs_)
        for (fs::path& folder : StoredCode(run, all_code_).plugin_folders(given))
            if (std::ranges::find(folders, folder) == folders.end()) folders.push_back(std::move(folder));
}

void OpenTrials::add_to(Experiment& experiment, const std::vector<std::string>& overrides,
                        const PluginCatalogue& plugins) const {
    std::set<std::pair<std::string, std::int64_t>> known;
    for (const TrialConfig& trial : experiment.trials) known.emplace(trial.hash, trial.seed);
    for (const store::Trial& trial : trials_) {
        if (!known.emplace(trial.config_hash, trial.seed).second) continue;
        const auto config = nlohmann::json::parse(trial.config);
        Experiment own = parse_experiment(to_toml(trial.experiment, config, trial.seed),
                                          fmt::format("trial {}", trial.id), overrides, plugins);
        const StoredCode code(runs_.at(trial.sweep), all_code_);
        for (TrialConfig& planned : own.trials) {
            code.require_scripts(planned.config, plugins);
            experiment.trials.push_back(std::move(planned));
        }
    }
}

}  // namespace marginalia
