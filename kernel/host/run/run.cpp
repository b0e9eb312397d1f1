#include "kernel/host/run/run.h"

#include <marginalia/error.h>

#include <algorithm>
#include <csignal>
#include <future>
#include <map>
#include <ostream>
#include <set>

#include "kernel/host/results/summary.h"
#include "kernel/host/results/text.h"
#include "kernel/host/run/live_runs.h"
#include "kernel/host/run/open_store.h"
#include "kernel/host/run/open_trials.h"
#include "kernel/host/run/plugin_folders.h"
#include "kernel/host/run/provenance.h"
#include "kernel/host/run/queue_trials.h"
#include "kernel/host/run/run_hooks.h"
#include "kernel/host/run/run_parts.h"
#include "kernel/host/run/scheduler.h"
#include "kernel/host/run/start_from.h"
#include "kernel/host/run/stop_rules.h"
#include "kernel/host/run/stored_code.h"
#include "kernel/spec/nearest.h"
#include "kernel/spec/precision.h"
#include "store/error.h"
#include "store/queries.h"

namespace marginalia {
namespace {

namespace fs = std::filesystem;

using ReadExperiment = std::function<Experiment(const PluginCatalogue&)>;

// Of bfloat16 where the processor has no products of it.
void say_precision(Progress& progress, const Experiment& experiment, const std::vector<Slot>& slots) {
    const auto is_bfloat16 = [](const TrialConfig& trial) { return train_of(trial.config).precision == "bfloat16"; };
    const auto is_cpu = [](const Slot& slot) { return slot.torch_device() == "cpu"; };
    if (std::none_of(experiment.trials.begin(), experiment.trials.end(), is_bfloat16) ||
        std::none_of(slots.begin(), slots.end(), is_cpu))
        return;
    const std::string text = processor_has_bfloat16() ? "" : resolve_precision("bfloat16", false, 0).report;
    if (!text.empty()) progress.line(text);
}

void say_plan(Progress& progress, const Experiment& experiment, const WorkList& work, const std::vector<Slot>& slots,
              const std::string& why) {
    std::string text = experiment.name + ": " + count_text(experiment.trials.size(), "trial");
    if (work.done > 0) text += ", " + std::to_string(work.done) + " already done";
    if (work.changed > 0)
        text += " (" + (work.changed == work.done ? "" : std::to_string(work.changed) + " of them ") + "before " +
                work.change + " changed; --again repeats " + (work.changed == 1 ? "it" : "them") + ")";
    if (!work.running.empty())
        text += ", " + std::to_string(work.running.size()) + " running in another process, which this run waits for";
    if (work.submitted > 0)
        text += ", " + std::to_string(work.submitted) + " submitted to Slurm (marginalia status; marginalia merge)";
    if (!work.left_failed.empty())
        text += ", " + std::to_string(work.left_failed.size()) + " left failed (--retry-failed tries them again)";
    for (const auto& [status, count] : work.stopped)
        text += ", " + std::to_string(count) + " " + std::string(store::name_of(status));
    const auto is_pruned = [](const auto& stopped) { return stopped.first == store::Status::pruned; };
    if (!std::ranges::all_of(work.stopped, is_pruned))
        text += " (marginalia retry TRIAL, or --experiment " + experiment.name + ", goes on)";
    if (work.beyond_budget > 0)
        text += ", " + std::to_string(work.beyond_budget) +
                " left queued (beyond stop.trial_budget; more, or 0, runs them)";
    if (work.jobs.empty()) return progress.line(text + ", nothing " + (work.running.empty() ? "" : "else ") + "to run");
    progress.line(text + ", " + std::to_string(work.jobs.size()) + " to run in " + slots_text(slots) + why);
    std::vector<std::size_t> compared;
    for (const std::vector<store::TrialId>& trials : work.sweep) compared.push_back(trials.size());
    if (const std::string words = stop_words(experiment.stop, compared, steps_of(experiment)); !words.empty())
        progress.line(experiment.name + ": " + words);
    say_precision(progress, experiment, slots);
}

void say_refusals(Progress& progress, const std::vector<PluginFailure>& failures) {
    constexpr std::size_t most_told = 2;
    if (failures.size() > most_told)
        return progress.line(count_text(failures.size(), "plugin file") + " refused; marginalia plugins says why");
    for (const PluginFailure& failure : failures) progress.line("left out: " + failure.path + ": " + failure.reason);
}

// Why there are so many slots, where nobody has said how many there are to be.
std::string slots_reason(const RunSettings& run, const std::vector<Slot>& slots, const Demand& demand) {
    if (run.cores > 0 || run.slots > 0 || slots[0].device != "cpu") return "";
    std::string why;
    if (slots.size() > 1) why = "one for each core, as several trials wait";
    if (demand.other_runs > 0)
        why += (why.empty() ? "" : ", and ") + std::string("sharing the cores with ") +
               count_text(static_cast<std::size_t>(demand.other_runs), "other run");
    return why.empty() ? "" : ": " + why + " (run.slots and run.cores say otherwise)";
}

// Of these trials, which this run had no part in; they may have been tried again while it waited.
bool any_failed(const fs::path& file, std::set<store::TrialId> trials) {
    if (trials.empty()) return false;
    store::Store reader = store::Store::open_to_read(file);
    return std::ranges::any_of(trials, [&](store::TrialId trial) {
        const auto found = reader.find(trial);
        return found && store::facts_of(found->status).failed;
    });
}

int exit_code(const ScheduleResult& result, const WorkList& work, const fs::path& file) {
    if (!result.store_failure.empty()) return exit_store;
    if (result.signal != 0) return exit_code_after(result.signal);
    std::set<store::TrialId> others = result.elsewhere;
    others.insert(work.left_failed.begin(), work.left_failed.end());
    return result.failed > 0 || result.devices_lost || any_failed(file, others) ? exit_trial_failed : 0;
}

void say_rescued(Progress& progress, const ScheduleResult& result, const std::string& experiment) {
    progress.line("to go on with what was saved: marginalia resume " + experiment + " --store " +
                  result.store.string());
}

void say_end(Progress& progress, const ScheduleResult& result, const std::string& experiment,
             const store::Store& store) {
    if (!result.elsewhere.empty())
        progress.line(count_text(result.elsewhere.size(), "trial") + " of these ended in another process");
    const bool broken_off = result.signal != 0 || result.preempted > 0 || result.budget_spent;
    if (result.waiting > 0 && !broken_off)
        progress.line(count_text(result.waiting, "trial") + (result.waiting == 1 ? " waits" : " wait") +
                      " at a rung for trials that are paused or that another process has");
    if (result.waiting > 0 || broken_off)
        progress.line("to go on where it stopped, give the same command again, or: marginalia resume " + experiment +
                      store_option(store));
}

// A misspelt run.keep_best only ever keeps the newest checkpoints; nothing else would tell.
void warn_of_keep_best(Progress& progress, store::Store& store, const std::string& metric, const WorkList& work) {
    if (metric.empty()) return;
    std::vector<std::string> recorded;
    for (const Job& job : work.jobs) {
        const store::TrialDetails details = store::trial_details(store, job.trial);
        if (details.trial.status != store::Status::done) continue;
        for (const store::MetricSummary& summary : details.metrics) {
            if (summary.name == metric) return;
            if (recorded.empty() || std::find(recorded.begin(), recorded.end(), summary.name) == recorded.end())
                recorded.push_back(summary.name);
        }
    }
    if (recorded.empty()) return;
    std::sort(recorded.begin(), recorded.end());
    progress.line("run.keep_best = \"" + metric + "\": no trial recorded that metric, so only the newest checkpoints " +
                  "were kept" + suggestion(metric, recorded, "recorded"));
}

// What the stages of one command share.
struct Invocation {
    const RunOptions& options;
    nlohmann::json surroundings;
    StopSignals& signals;
    Progress& progress;
    std::ostream& out;
    const LiveRun& live;
};

// From the queue to the summary of one experiment; `ready` has said what plugins there are.
int perform_stage(const Invocation& command, const Experiment& experiment, ReadyWorker ready) {
    const auto& [options, surroundings, signals, progress, out, live] = command;
    if (!ready.torch.problem.empty() && experiment.run.device != "cpu")
        progress.line("no GPU is used: " + ready.torch.problem);
    ScheduleOptions schedule = schedule_options(experiment.run, options.patience);
    add_places(schedule, experiment.run, ready.torch, {});  // before anything is written
    int signal = 0;
    std::optional<store::Store> opened;
    WorkList work;
    const std::string provenance =
        provenance_of(with_code(surroundings, experiment, ready.catalogue, progress), experiment, ready.catalogue,
                      ready.torch.version, options.command_line);
    try {
        opened.emplace(open_store(options.store, wait_for_lock(options.store, progress, signals, signal)));
        work = enqueue(*opened, experiment, ready.catalogue, provenance, options, progress);
    } catch (const store::StoreError&) {
        if (signal == 0) throw;
        progress.line("stopped while the store was locked; nothing was queued");
        return exit_code_after(signal);
    }
    keep_threads(*opened, experiment.run, work);
    std::vector<const TrialConfig*> configs;
    for (const Job& job : work.jobs) configs.push_back(job.config);
    const Demand demand = demand_of(configs, live.others());
    add_places(schedule, experiment.run, ready.torch, demand);
    if (!options.quiet)
        say_plan(progress, experiment, work, schedule.slots, slots_reason(experiment.run, schedule.slots, demand));

    schedule.stop = experiment.stop;
    schedule.sweep = work.sweep;
    schedule.steps = steps_of(experiment);
    ScheduleResult result;
    if (!work.jobs.empty() || !work.running.empty()) {
        store::Writer writer(std::move(*opened));
        Hooks hooks(experiment.hooks, experiment.name, writer, options.hook_patience);
        schedule.hooks = &hooks;
        Scheduler scheduler(writer, progress, signals, std::move(schedule));
        scheduler.adopt(std::move(ready));
        result = scheduler.run(work.jobs, work.others, work.running);
        end_hooks(hooks, sweep_json(experiment, options.store, work, result), signals, progress);
    }
    opened.reset();
    if (!result.store_failure.empty()) {
        if (!options.quiet && result.store != options.store) say_rescued(progress, result, experiment.name);
    } else if (!options.quiet) {
        store::Store reader = store::Store::open_to_read(options.store);
        if (!options.of_a_task) say_end(progress, result, experiment.name, reader);
        warn_of_keep_best(progress, reader, experiment.run.keep_best, work);
        print_summary(reader, experiment.name, out, result.told);
        if (experiment.table)
            out << "marginalia table " << experiment.name << store_option(reader)
                << " prints it beside the published figures\n";
    }
    return exit_code(result, work, options.store);
}

// Everything from plugins to the summaries, the same for a file and for a sweep in the store. git is asked about the
// folder of `file`, unless that is empty.
int perform(const RunOptions& options, const fs::path& file, const std::vector<fs::path>& folders,
            const ReadExperiment& read, std::ostream& out) {
    StopSignals signals;
    const LiveRun live;
    auto surroundings = std::async(std::launch::async, surroundings_of, file.empty() ? file : fs::absolute(file));
    const auto progress = make_progress(options.quiet);
    const auto stopped = [&](int signal) {
        progress->line("stopped while plugins were being loaded (" + signal_name(signal) + ")");
        return exit_code_after(signal);
    };
    const ReadyWorker listed = list_plugins(folders, options.patience, &signals);
    if (listed.stopped_by != 0) return stopped(listed.stopped_by);
    const Experiment experiment = read(listed.catalogue);
    if (!options.quiet) {
        say_refusals(*progress, listed.catalogue.failures);
        for (const std::string& warning : experiment.warnings) progress->line(warning);
    }
    bring_up_to_date(options.store);
    require_start_experiments(experiment, options.store);  // rather than leave an empty store

    const Invocation command{options, surroundings.get(), signals, *progress, out, live};
    const auto perform_one = [&](const Experiment& stage) {
        const int threads = first_threads(stage.run, demand_of(not_done(options.store, stage), live.others()));
        ReadyWorker ready = start_worker(listed.catalogue, threads, options.patience, &signals);
        return ready.stopped_by != 0 ? stopped(ready.stopped_by) : perform_stage(command, stage, std::move(ready));
    };
    if (experiment.stage1)
        if (const int code = perform_one(*experiment.stage1); code != 0) return code;
    return perform_one(experiment);
}

store::Sweep newest_sweep(const RunOptions& options) {
    using store::StoreError;
    bring_up_to_date(options.store);
    store::Store reader = store::Store::open_to_read(options.store);
    const std::vector<std::string> names = store::experiment_names(reader);
    const bool known =
        options.experiment.empty() ? !names.empty() : std::ranges::find(names, options.experiment) != names.end();
    if (known) return store::newest_sweep(reader, options.experiment);
    if (names.empty())
        throw StoreError(StoreError::Kind::no_match,
                         "the store holds no experiment yet; `marginalia run FILE` adds one");
    throw StoreError(StoreError::Kind::no_match, "no experiment '" + options.experiment + "' in this store" +
                                                     suggestion(options.experiment, names, "experiments"));
}

// Leaves of an experiment the trials that the store holds.
void keep_stored(Experiment& experiment, const fs::path& file) {
    store::Store reader = store::Store::open_to_read(file);
    std::set<std::pair<std::string, std::int64_t>> stored;
    for (const store::Trial& trial : store::list_trials(reader, {.experiment = experiment.name}))
        stored.emplace(trial.config_hash, trial.seed);
    std::erase_if(experiment.trials,
                  [&](const TrialConfig& trial) { return !stored.contains({trial.hash, trial.seed}); });
    experiment.stage1 = nullptr;
}

// Of a sweep's trials and those that are open besides, each once.
std::vector<nlohmann::json> configs_of(const fs::path& file, std::int64_t sweep, const OpenTrials& open) {
    store::Store reader = store::Store::open_to_read(file);
    std::vector<store::Trial> trials = store::list_trials(reader, {.sweep = sweep});
    trials.insert(trials.end(), open.trials().begin(), open.trials().end());
    std::map<std::string, nlohmann::json> by_hash;
    for (const store::Trial& trial : trials)
        if (!by_hash.contains(trial.config_hash))
            by_hash[trial.config_hash] = nlohmann::json::parse(trial.config, nullptr, false);
    std::vector<nlohmann::json> configs;
    for (auto& [hash, config] : by_hash)
        if (config.is_object()) configs.push_back(std::move(config));
    return configs;
}

}  // namespace

void keep_threads(store::Store& store, const RunSettings& run, WorkList& work) {
    for (Job& job : work.jobs)
        if (job.threads < 0)
            job.threads = run.cores > 0 ? 0 : static_cast<int>(store::trial_details(store, job.trial).threads);
}

nlohmann::json with_code(nlohmann::json record, const Experiment& experiment, const PluginCatalogue& plugins,
                         Progress& progress) {
    std::string problem;
    if (nlohmann::json code = sealed_code(experiment, plugins, problem); !code.is_null())
        record["code"] = std::move(code);
    if (!problem.empty()) progress.line(problem + "; sample and resume will ask for --plugin-path or --trust");
    return record;
}

WorkList enqueue(store::Store& store, const Experiment& experiment, const PluginCatalogue& plugins,
                 const std::string& provenance, const RunOptions& options, Progress& progress) {
    if (const auto lost = store.mark_lost(options.of_a_task); !lost.empty() && !options.quiet)
        progress.line(count_text(lost.size(), "trial") + " had lost " + (lost.size() == 1 ? "its" : "their") +
                      " process; marked as lost");
    QueuedTrials queued = queue_trials(store, experiment, plugins, provenance, {options.retry_failed, options.again});
    if (!options.quiet)
        for (const std::string& sentence : reuse_sentences(queued.reused))
            progress.line(experiment.name + ": " + sentence);
    return std::move(queued.work);
}

ScheduleOptions schedule_options(const RunSettings& run, const WorkerPatience& patience) {
    ScheduleOptions options;
    options.patience = patience;
    options.keeps_threads = run.cores == 0;
    options.time_limit = run.time_limit;
    options.retries = static_cast<int>(run.retries);
    options.stop_on_failure = run.stop_on_failure;
    options.checkpoint_seconds = run.checkpoint_seconds;
    options.exact_seconds = run.exact_seconds;
    options.retention.newest = static_cast<int>(run.keep_newest);
    options.retention.best_metric = run.keep_best;
    return options;
}

std::string slots_text(const std::vector<Slot>& slots) {
    std::string devices;
    for (const Slot& slot : slots)
        if (devices.find(slot.device) == std::string::npos) devices += (devices.empty() ? "" : ", ") + slot.device;
    const std::string threads = count_text(static_cast<std::size_t>(slots[0].threads), "thread");
    return count_text(slots.size(), "slot") + " (" + devices + ", " + threads + " each)";
}

int exit_code_after(int signal) { return signal == SIGUSR1 ? exit_preempted : 128 + signal; }

std::vector<fs::path> experiment_plugin_folders(const RunOptions& options) {
    return plugin_folders(options.plugin_paths, plugin_folders_of(options.file, options.overrides));
}

int run_verb(const RunOptions& options, std::ostream& out) {
    const auto read = [&](const PluginCatalogue& plugins) {
        return read_experiment(options.file, options.overrides, plugins);
    };
    return perform(options, options.file, experiment_plugin_folders(options), read, out);
}

int resume_verb(const RunOptions& options, std::ostream& out) {
    const store::Sweep newest = newest_sweep(options);
    const OpenTrials open(options.store, newest.experiment, options.trust);
    const std::vector<nlohmann::json> configs = configs_of(options.store, newest.id, open);
    const StoredCode code(newest, options.trust);
    std::vector<fs::path> folders = code.plugin_folders(options.plugin_paths);
    if (!options.of_a_task) open.add_folders(folders, options.plugin_paths);
    const auto read = [&](const PluginCatalogue& plugins) {
        Experiment experiment =
            parse_experiment(newest.toml, newest.file, options.overrides, as_before(plugins, configs));
        if (options.no_new) keep_stored(experiment, options.store);
        leave_out_hooks(experiment, code);
        for (const Experiment* one = &experiment; one; one = one->stage1.get())
            for (const TrialConfig& trial : one->trials) code.require_scripts(trial.config, plugins);
        if (!options.of_a_task) open.add_to(experiment, options.overrides, plugins);
        return experiment;
    };
    return perform(options, code.covers(newest.file) ? fs::path(newest.file) : fs::path(), folders, read, out);
}

}  // namespace marginalia
