// `plan`: what `run` would do, without doing it.
#include <map>
#include <ostream>

#include "kernel/plugins/plugin_host.h"
#include "kernel/report/table.h"
#include "kernel/report/text.h"
#include "kernel/schedule/catalogue.h"
#include "kernel/schedule/run.h"
#include "kernel/schedule/start_from.h"
#include "kernel/schedule/sweep.h"
#include "store/queries.h"

namespace marginalia {
namespace {

using Known = std::map<std::pair<std::string, std::int64_t>, store::Trial>;  // by config_hash and seed

// The experiment's trials in the store, if there is a store; running ones whose process is gone count as lost.
Known known_trials(const RunOptions& options, const Experiment& experiment) {
    Known known;
    if (!std::filesystem::exists(options.store)) {
        require_start_experiments(experiment, nullptr);
        return known;
    }
    store::Store store = store::Store::open_to_read(options.store);
    require_start_experiments(experiment, &store);
    for (store::Trial& trial : store::list_trials(store, {.experiment = experiment.name, .statuses = {}})) {
        if (trial.status == store::Status::running && !store::is_alive(store::trial_details(store, trial.id).owner))
            trial.status = store::Status::lost;
        known.emplace(std::pair(trial.config_hash, trial.seed), std::move(trial));
    }
    return known;
}

std::string plan_for(const store::Trial* trial, bool retry_failed) {
    if (!trial) return "start";
    switch (action_for(trial->status, retry_failed)) {
        case Action::skip_done: return "skip";
        case Action::leave_failed:
            return action_for(trial->status, true) == Action::run ? "leave (see --retry-failed)" : "leave";
        case Action::leave_running: return "leave (another process runs it)";
        case Action::run: break;
    }
    return trial->checkpoint_step >= 0 ? "go on from step " + std::to_string(trial->checkpoint_step) : "start";
}

}  // namespace

int plan_verb(const RunOptions& options, std::ostream& out) {
    const PluginCatalogue plugins = fetch_catalogue(experiment_plugin_folders(options));
    const Experiment experiment = read_experiment(options.file, options.overrides, plugins);
    const Known known = known_trials(options, experiment);

    std::vector<Column> columns = {{"trial", true}, {"status"}, {"seed", true}};
    for (const std::string& key : experiment.swept) columns.push_back({key});
    columns.push_back({"run would"});
    Table table(columns);
    std::size_t to_run = 0;
    for (const TrialConfig& config : experiment.trials) {
        const auto found = known.find({config.hash, config.seed});
        const store::Trial* trial = found == known.end() ? nullptr : &found->second;
        const std::string status(trial ? store::name_of(trial->status) : "new");
        std::vector<Cell> row = {trial ? Cell::integer(trial->id) : Cell("new"), status, Cell::integer(config.seed)};
        for (const std::string& key : experiment.swept) row.push_back(swept_value(config, key));
        row.push_back(plan_for(trial, options.retry_failed));
        to_run += !trial || action_for(trial->status, options.retry_failed) == Action::run;
        table.add_row(std::move(row));
    }
    table.print(out, Format::text, screen());
    out << "\n" << count_text(to_run, "trial") << " of " << experiment.trials.size()
        << " to run; nothing was written\n";
    return 0;
}

}  // namespace marginalia
