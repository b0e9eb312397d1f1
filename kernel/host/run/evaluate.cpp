// `evaluate`: finished trials, from the store alone.
#include <fmt/format.h>
#include <marginalia/error.h>

#include <algorithm>
#include <ostream>
#include <set>

#include "kernel/host/results/summary.h"
#include "kernel/host/results/text.h"
#include "kernel/host/run/live_runs.h"
#include "kernel/host/run/open_store.h"
#include "kernel/host/run/run.h"
#include "kernel/host/run/run_parts.h"
#include "kernel/host/run/stored_code.h"
#include "kernel/host/run/work_list.h"
#include "kernel/spec/identity.h"
#include "store/error.h"
#include "store/queries.h"

namespace marginalia {
namespace {

namespace fs = std::filesystem;

// A trial and the ways in which it is to be evaluated, each of which is a TrialConfig.
struct Asked {
    store::TrialDetails details;
    Experiment experiment;
};

void check_overrides(const std::vector<std::string>& overrides) {
    for (const std::string& one : overrides)
        if (!one.starts_with("evaluation.") && !one.starts_with("reference.") && !one.starts_with("run.") &&
            !one.starts_with("resources."))
            throw Error("'" + one +
                        "': evaluate trains nothing, so only keys of [evaluation], [reference], [run] and " +
                        "[resources] can be given; to train with others, run the experiment's file");
}

std::vector<Asked> trials_in_store(const RunOptions& options, const std::vector<store::TrialId>& trials) {
    store::Store reader = store::Store::open_to_read(options.store);
    std::vector<Asked> asked;
    for (const store::TrialId trial : trials) {
        Asked one{store::trial_details(reader, trial), {}};
        const store::Trial& found = one.details.trial;
        if (!found.trained || found.checkpoint_step < 0)
            throw store::StoreError(store::StoreError::Kind::no_match,
                                    fmt::format("trial {} is not trained: it is {}; `marginalia resume {}` trains it",
                                                found.id, store::name_of(found.status), found.experiment));
        asked.push_back(std::move(one));
    }
    return asked;
}

// Of all sweeps that the trials are from, as `resume` has them of one.
std::vector<fs::path> folders_of(const std::vector<Asked>& asked, const RunOptions& options) {
    std::vector<fs::path> folders;
    for (const Asked& one : asked)
        for (fs::path& folder : StoredCode(one.details.sweep, options.trust).plugin_folders(options.plugin_paths))
            if (std::ranges::find(folders, folder) == folders.end()) folders.push_back(std::move(folder));
    return folders;
}

void read_configs(std::vector<Asked>& asked, const RunOptions& options, const PluginCatalogue& plugins) {
    for (Asked& one : asked) {
        const store::Trial& trial = one.details.trial;
        const auto config = nlohmann::json::parse(trial.config, nullptr, false);
        if (!config.is_object() || !config.contains("objective"))
            throw Error(
                fmt::format("trial {} has no config to evaluate it by, as after `marginalia recover` where that "
                            "was lost; run its file again",
                            trial.id));
        one.experiment = parse_experiment(to_toml(trial.experiment, config, trial.seed),
                                          fmt::format("trial {}", trial.id), options.overrides, plugins);
        const StoredCode code(one.details.sweep, options.trust);
        for (const TrialConfig& way : one.experiment.trials) code.require_scripts(way.config, plugins);
    }
}

// The jobs, all else of the trials being done already.
std::deque<Job> enqueue_evaluations(store::Store& store, const std::vector<Asked>& asked, bool again) {
    std::deque<Job> jobs;
    store.mark_lost();
    store.transaction([&] {
        for (const auto& [details, experiment] : asked) {
            Job job{.trial = details.trial.id, .label = {}, .evaluations = {}, .trained = true, .latest = {}};
            if (experiment.run.cores == 0) job.threads = static_cast<int>(details.threads);
            for (const TrialConfig& way : experiment.trials) {
                const auto id =
                    store.add_evaluation(job.trial, split_config(way.config).evaluation.dump(), way.evaluation_hash);
                store.show_evaluation(job.trial, id);
                const auto now = store.find(job.trial);
                if (now->status == store::Status::running || (now->evaluated && !again)) continue;
                if (again) store.forget_evaluation(job.trial, id);
                store.requeue(job.trial);
                job.evaluations.push_back({id, &way, label_of(experiment, way)});
            }
            if (job.evaluations.empty()) continue;
            job.config = job.evaluations.front().config;
            job.label = job.evaluations.front().label;
            jobs.push_back(std::move(job));
        }
    });
    return jobs;
}

// Those of its training, with which it gives the same bits, unless others are asked for.
int threads_of(const Asked& asked, int others) {
    if (asked.experiment.run.cores == 0 && asked.details.threads > 0) return static_cast<int>(asked.details.threads);
    return first_threads(asked.experiment.run, demand_of({&asked.experiment.trials.front()}, others));
}

void print_summaries(const RunOptions& options, const std::vector<Asked>& asked, const ScheduleResult& result,
                     std::ostream& out) {
    store::Store reader = store::Store::open_to_read(options.store);
    std::set<std::string> experiments;
    for (const Asked& one : asked)
        if (experiments.insert(one.details.trial.experiment).second)
            print_summary(reader, one.details.trial.experiment, out, result.told);
}

}  // namespace

int evaluate_verb(const RunOptions& options, const std::vector<store::TrialId>& trials, std::ostream& out) {
    check_overrides(options.overrides);
    std::vector<Asked> asked = trials_in_store(options, trials);
    const std::vector<fs::path> folders = folders_of(asked, options);
    StopSignals signals;
    const LiveRun live;
    const auto progress = make_progress(options.quiet);
    ReadyWorker listed = list_plugins(folders, options.patience, &signals);
    if (listed.stopped_by != 0) return exit_code_after(listed.stopped_by);
    read_configs(asked, options, listed.catalogue);
    ReadyWorker ready =
        start_worker(std::move(listed.catalogue), threads_of(asked.front(), live.others()), options.patience, &signals);
    int signal = ready.stopped_by;
    if (signal != 0) return exit_code_after(signal);
    store::Store store = open_store(options.store, wait_for_lock(options.store, *progress, signals, signal));
    const std::deque<Job> jobs = enqueue_evaluations(store, asked, options.again);
    ScheduleResult result;
    if (jobs.empty()) {
        if (!options.quiet)
            progress->line("nothing to evaluate: that has been done (--again repeats it), or another process does it");
    } else {
        const RunSettings& run = asked.front().experiment.run;
        std::vector<const TrialConfig*> configs;
        for (const Job& job : jobs) configs.push_back(job.config);
        ScheduleOptions schedule = schedule_options(run, options.patience);
        add_places(schedule, run, ready.torch, demand_of(configs, live.others()));
        if (!options.quiet)
            progress->line(count_text(jobs.size(), "trial") + " to evaluate in " + slots_text(schedule.slots));
        store::Writer writer(std::move(store));
        Scheduler scheduler(writer, *progress, signals, std::move(schedule));
        scheduler.adopt(std::move(ready));
        result = scheduler.run(jobs);
    }
    if (!result.store_failure.empty()) return exit_store;
    if (!options.quiet) print_summaries(options, asked, result, out);
    if (result.signal != 0) return exit_code_after(result.signal);
    return result.failed > 0 || result.devices_lost ? exit_trial_failed : 0;
}

}  // namespace marginalia
