// `plan`: what `run` would do, without doing it.
#include <fmt/format.h>
#include <marginalia/files.h>

#include <map>
#include <optional>
#include <ostream>
#include <set>

#include "kernel/base/child_process.h"
#include "kernel/host/results/table.h"
#include "kernel/host/results/telling_keys.h"
#include "kernel/host/results/text.h"
#include "kernel/host/run/catalogue.h"
#include "kernel/host/run/origins.h"
#include "kernel/host/run/plugin_folders.h"
#include "kernel/host/run/provenance.h"
#include "kernel/host/run/reuse.h"
#include "kernel/host/run/run.h"
#include "kernel/host/run/start_from.h"
#include "kernel/host/run/stop_rules.h"
#include "kernel/host/run/work_list.h"
#include "kernel/host/run/worker_environment.h"
#include "store/place.h"
#include "store/queries.h"

namespace marginalia {
namespace {

struct KnownTrial {
    store::Trial trial;
    std::string change;                                // what has changed since it ran
    std::map<std::string, store::Status> evaluations;  // by hash
};
using Known = std::map<std::pair<std::string, std::int64_t>, KnownTrial>;  // by config_hash and seed

// What the store has of the experiment, if there is a store.
struct Stored {
    Known known;
    std::vector<Reusable> reusable;  // for each trial
};

Stored look_into_store(const RunOptions& options, const Experiment& experiment, const PluginCatalogue& plugins) {
    Stored stored{{}, std::vector<Reusable>(experiment.trials.size())};
    store::check_name(options.store);
    if (!std::filesystem::exists(options.store)) return stored;
    store::Store store = store::Store::open_to_read(options.store);
    auto trials = store::list_trials(store, {.experiment = experiment.name, .statuses = {}});
    const auto now = nlohmann::json::parse(provenance_of(nlohmann::json::object(), experiment, plugins, {}, {}));
    const auto changes = changes_since(store, trials, now);
    for (std::size_t i = 0; i < trials.size(); ++i) {
        store::Trial& trial = trials[i];
        const std::pair key(trial.config_hash, trial.seed);
        auto evaluations = store::evaluation_statuses(store, trial.id);
        stored.known.emplace(key, KnownTrial{std::move(trial), changes[i], std::move(evaluations)});
    }
    std::vector<bool> has;
    for (const TrialConfig& trial : experiment.trials) has.push_back(stored.known.contains({trial.hash, trial.seed}));
    stored.reusable = find_reusable(store, experiment, plugins, now, has);
    return stored;
}

// Of a trial that the experiment has not.
std::string plan_for_new(const Reusable& reusable) {
    if (reusable.trial == 0) return "start";
    if (reusable.step >= 0) return fmt::format("go on from step {} of trial {}", reusable.step, reusable.trial);
    return fmt::format("take over trial {} of '{}'", reusable.trial, reusable.experiment);
}

// The trial as it stands with regard to this evaluation.
store::Trial as_evaluated(const KnownTrial& known, const std::string& evaluation_hash) {
    store::Trial trial = known.trial;
    const auto found = known.evaluations.find(evaluation_hash);
    if (trial.trained && trial.status != store::Status::running)
        trial.status = found == known.evaluations.end() ? store::Status::queued : found->second;
    return trial;
}

// `change`: what has changed since the trial ran, if it has ended.
std::string plan_for(const store::Trial& trial, const std::string& change, const WorkOptions& options) {
    if (trial.waits) return fmt::format("decide whether it goes on from step {}", trial.checkpoint_step);
    if (store::is_handed_over(trial)) return "leave (" + trial.device + " runs it)";
    switch (action_for(trial.status, options, !change.empty())) {
        case Action::skip_done: return change.empty() ? "skip" : "skip (" + change + " changed, see --again)";
        case Action::leave_failed: return "leave (see --retry-failed)";
        case Action::leave_running: return "wait (another process runs it)";
        case Action::leave_stopped: return "leave (see marginalia retry)";
        case Action::leave_submitted:
        case Action::run: break;
    }
    if (!change.empty()) return "start again";
    if (trial.trained) return "evaluate";
    return trial.checkpoint_step >= 0 ? "go on from step " + std::to_string(trial.checkpoint_step) : "start";
}

// What the trials' data sets hold: a worker reads each, as a trial would.
void print_datasets(const Experiment& experiment, const PluginCatalogue& plugins, std::ostream& out) {
    constexpr std::size_t most_told = 4;
    const std::filesystem::path worker = worker_program();
    std::set<std::string> tables;
    for (const TrialConfig& trial : experiment.trials)
        if (const auto dataset = trial.config.find("dataset"); dataset != trial.config.end())
            tables.insert(dataset->dump());
    std::size_t told = 0;
    for (const std::string& table : tables) {
        const std::string name = nlohmann::json::parse(table).get<PluginTable>().plugin;
        const PluginManifest* plugin = plugins.find("dataset", name);
        if (!plugin) continue;
        if (told++ == most_told) {
            out << "and " << tables.size() - most_told << " more data sets\n";
            break;
        }
        std::string text =
            output_of({worker.string(), "--describe", plugin->path, table}, worker_environment(worker)).value_or("");
        while (text.ends_with('\n')) text.pop_back();
        text.erase(0, text.rfind('\n') + 1);
        out << "dataset '" << name
            << "': " << (text.empty() ? "cannot be read: its plugin crashed or took too long" : visible(text, 2000))
            << "\n";
    }
}

void print_plan(const RunOptions& options, const Experiment& experiment, const PluginCatalogue& plugins,
                std::size_t most, std::ostream& out) {
    const auto [known, reusable] = look_into_store(options, experiment, plugins);
    const WorkOptions work{options.retry_failed, options.again};

    std::vector<Column> columns = {{.name = "trial", .numeric = true, .role = Role::key}, {"status"}, {"seed", true}};
    for (Column& column : setting_columns(experiment.swept)) columns.push_back(std::move(column));
    columns.push_back({.name = "run would", .role = Role::whole});
    Table table(columns);
    using Training = std::pair<std::string, std::int64_t>;  // trials that differ in their evaluation are one
    std::set<Training> to_run, within_budget;
    std::map<std::string, std::size_t> of_target;  // how many of them
    const std::int64_t budget = experiment.stop.trial_budget;
    for (std::size_t i = 0; i < experiment.trials.size(); ++i) {
        const TrialConfig& config = experiment.trials[i];
        const Training training(config.hash, config.seed);
        if ((budget == 0 || std::ssize(within_budget) < budget) && within_budget.insert(training).second)
            ++of_target[target_of(config.config)];
        const auto found = known.find(training);
        std::optional<store::Trial> trial;
        if (found != known.end()) trial = as_evaluated(found->second, config.evaluation_hash);
        const std::string change = trial ? found->second.change : "";
        const std::string status(trial ? store::name_of(trial->status) : "new");
        std::vector<Cell> row = {trial ? Cell::integer(trial->id) : Cell("new"), status, Cell::integer(config.seed)};
        for (const std::string& key : experiment.swept) row.push_back(shown_value(swept_value(config, key)));
        const bool is_left = !within_budget.contains(training);
        row.push_back(is_left ? "leave (beyond stop.trial_budget)"
                      : trial ? plan_for(*trial, change, work)
                              : plan_for_new(reusable[i]));
        if (!is_left && (trial ? trial->waits || action_for(trial->status, work, !change.empty()) == Action::run
                               : reusable[i].trial == 0 || reusable[i].step >= 0))
            to_run.insert(training);
        if (most == 0 || table.size() < most) table.add_row(std::move(row));
    }
    table.print(out, Format::text, screen());
    if (table.size() < experiment.trials.size())
        out << "and " << count_text(experiment.trials.size() - table.size(), "more trial") << "; -n 0 shows all\n";
    out << "\n";
    print_datasets(experiment, plugins, out);
    for (const std::string& sentence : reuse_sentences(reusable)) out << sentence << "\n";
    if (experiment.left_out > 0)
        out << count_text(experiment.left_out, "combination") << " of the sweep left out by [[sweep.exclude]]\n";
    for (const std::string& warning : experiment.warnings) out << warning << "\n";
    std::vector<std::size_t> compared;
    for (const auto& [target, count] : of_target) compared.push_back(count);
    if (const std::string words = stop_words(experiment.stop, compared, steps_of(experiment)); !words.empty())
        out << words << "\n";
    out << count_text(to_run.size(), "trial") << " of " << experiment.trials.size() << " to run; nothing was written\n";
}

}  // namespace

int plan_verb(const RunOptions& options, std::ostream& out, std::size_t most) {
    const PluginCatalogue plugins = fetch_catalogue(experiment_plugin_folders(options));
    const Experiment experiment = read_experiment(options.file, options.overrides, plugins);
    require_start_experiments(experiment, options.store);
    if (experiment.stage1) {
        out << experiment.stage1->name << ", to be run first:\n\n";
        print_plan(options, *experiment.stage1, plugins, most, out);
        out << "\n" << experiment.name << ":\n\n";
    }
    print_plan(options, experiment, plugins, most, out);
    return 0;
}

}  // namespace marginalia
