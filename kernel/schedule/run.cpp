#include "kernel/schedule/run.h"

#include <algorithm>
#include <csignal>
#include <future>
#include <ostream>

#include <marginalia/error.h>

#include "kernel/config/nearest.h"
#include "kernel/plugins/plugin_host.h"
#include "kernel/report/summary.h"
#include "kernel/report/text.h"
#include "kernel/schedule/origins.h"
#include "kernel/schedule/provenance.h"
#include "kernel/schedule/scheduler.h"
#include "kernel/schedule/start_from.h"
#include "kernel/schedule/sweep.h"
#include "kernel/train/precision.h"
#include "store/error.h"
#include "store/queries.h"

namespace marginalia {
namespace {

namespace fs = std::filesystem;

using ReadExperiment = std::function<Experiment(const PluginCatalogue&)>;

ScheduleOptions schedule_options(const nlohmann::json& run, int cuda_devices, std::vector<fs::path> folders) {
    ScheduleOptions options;
    options.slots = make_slots(run, cuda_devices, available_cores());
    options.plugin_folders = std::move(folders);
    options.time_limit = run.value("time_limit", 0.0);
    options.retries = run.value("retries", 0);
    options.stop_on_failure = run.value("stop_on_failure", false);
    options.checkpoint_seconds = run.value("checkpoint_seconds", 60.0);
    options.retention.newest = run.value("keep_newest", 1);
    options.retention.best_metric = run.value("keep_best", "");
    return options;
}

std::string slots_text(const std::vector<Slot>& slots) {
    std::string devices;
    for (const Slot& slot : slots)
        if (devices.find(slot.device) == std::string::npos) devices += (devices.empty() ? "" : ", ") + slot.device;
    const std::string threads = count_text(static_cast<std::size_t>(slots[0].threads), "thread");
    return count_text(slots.size(), "slot") + " (" + devices + ", " + threads + " each)";
}

// Of bfloat16 where the processor has no products of it.
void say_precision(Progress& progress, const Experiment& experiment, const std::vector<Slot>& slots) {
    const auto is_bfloat16 = [](const TrialConfig& trial) { return trial.config.at("train").at("precision") == "bfloat16"; };
    const auto is_cpu = [](const Slot& slot) { return slot.torch_device() == "cpu"; };
    if (std::none_of(experiment.trials.begin(), experiment.trials.end(), is_bfloat16) ||
        std::none_of(slots.begin(), slots.end(), is_cpu))
        return;
    const std::string text = processor_has_bfloat16() ? "" : resolve_precision("bfloat16", false, 0).report;
    if (!text.empty()) progress.line(text);
}

void say_plan(Progress& progress, const Experiment& experiment, const WorkList& work, const std::vector<Slot>& slots) {
    std::string text = experiment.name + ": " + count_text(experiment.trials.size(), "trial");
    if (work.done > 0) text += ", " + std::to_string(work.done) + " already done";
    if (work.changed > 0)
        text += " (" + (work.changed == work.done ? "" : std::to_string(work.changed) + " of them ") + "before " +
                work.change + " changed; --again runs " + (work.changed == 1 ? "it" : "them") + " anew)";
    if (work.running > 0) text += ", " + std::to_string(work.running) + " running in another process";
    if (work.left_failed > 0)
        text += ", " + std::to_string(work.left_failed) + " left failed (--retry-failed tries them again)";
    if (work.jobs.empty()) return progress.line(text + ", nothing to run");
    progress.line(text + ", " + std::to_string(work.jobs.size()) + " to run in " + slots_text(slots));
    say_precision(progress, experiment, slots);
}

void say_refusals(Progress& progress, const std::vector<PluginFailure>& failures) {
    constexpr std::size_t most_told = 2;
    if (failures.size() > most_told)
        return progress.line(count_text(failures.size(), "plugin file") + " refused; marginalia plugins says why");
    for (const PluginFailure& failure : failures) progress.line("left out: " + failure.path + ": " + failure.reason);
}

// Queues the sweep and says which of its trials are ours to run.
WorkList enqueue(store::Store& store, const Experiment& experiment, const std::string& provenance,
                 const RunOptions& options, Progress& progress) {
    if (const auto lost = store.mark_lost(); !lost.empty() && !options.quiet)
        progress.line(count_text(lost.size(), "trial") + " had lost " + (lost.size() == 1 ? "its" : "their") +
                      " process; marked as lost");
    const auto stored = store.enqueue(planned(experiment, provenance));
    const auto changes = changes_since(store, stored, nlohmann::json::parse(provenance));
    WorkList work = work_list(experiment, stored, changes, {options.retry_failed, options.again});
    store.transaction([&] {
        for (const store::TrialId trial : work.to_forget) store.forget_after(trial, -1);
        for (const store::TrialId trial : work.to_requeue) store.requeue(trial);
    });
    return work;
}

int exit_code(const ScheduleResult& result, const WorkList& work) {
    if (!result.store_failure.empty()) return exit_store_failed;
    switch (result.signal) {
        case 0: return result.failed + work.left_failed > 0 ? exit_trial_failed : 0;
        case SIGUSR1: return exit_preempted;
        default: return 128 + result.signal;
    }
}

void say_end(Progress& progress, const ScheduleResult& result, const std::string& experiment,
             const store::Store& store) {
    if (result.taken > 0) progress.line(count_text(result.taken, "trial") + " went to another process meanwhile");
    if (result.signal != 0 || result.preempted > 0)
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
    const std::vector<fs::path>& folders;
    const nlohmann::json surroundings;
    StopSignals& signals;
    Progress& progress;
    std::ostream& out;
};

// From the queue to the summary of one experiment; `ready` has said what plugins there are.
int perform_stage(const Invocation& command, const Experiment& experiment, ReadyWorker ready) {
    const auto& [options, folders, surroundings, signals, progress, out] = command;
    if (!ready.torch.problem.empty() && experiment.run.value("device", "auto") != "cpu")
        progress.line("no GPU is used: " + ready.torch.problem);
    ScheduleOptions schedule = schedule_options(experiment.run, ready.torch.cuda_devices, folders);
    store::Store store = store::Store::open(options.store);
    const std::string provenance =
        provenance_of(surroundings, experiment, ready.catalogue, ready.torch.version, options.command_line);
    const WorkList work = enqueue(store, experiment, provenance, options, progress);
    if (!options.quiet) say_plan(progress, experiment, work, schedule.slots);

    ScheduleResult result;
    if (!work.jobs.empty()) {
        store::Writer writer(std::move(store));
        Scheduler scheduler(writer, progress, signals, std::move(schedule));
        scheduler.adopt(std::move(ready));
        result = scheduler.run(work.jobs);
        if (result.store_failure.empty()) writer.flush();
        if (result.store_failure.empty() && !writer.failure().empty())
            progress.line(result.store_failure = writer.failure());
    }
    if (!options.quiet) {
        store::Store reader = store::Store::open_to_read(options.store);
        say_end(progress, result, experiment.name, reader);
        warn_of_keep_best(progress, reader, experiment.run.value("keep_best", ""), work);
        print_summary(reader, experiment.name, out, result.told);
        if (experiment.table)
            out << "marginalia table " << experiment.name << store_option(reader)
                << " prints it beside the published figures\n";
    }
    return exit_code(result, work);
}

// Everything from plugins to the summaries, the same for a file and for a sweep in the store.
int perform(const RunOptions& options, const fs::path& file, const std::vector<fs::path>& folders,
            const ReadExperiment& read, std::ostream& out) {
    StopSignals signals;
    auto surroundings = std::async(std::launch::async, surroundings_of, fs::absolute(file));
    ReadyWorker ready = start_worker(folders, available_cores());
    const Experiment experiment = read(ready.catalogue);
    const auto progress = make_progress(options.quiet);
    if (!options.quiet) say_refusals(*progress, ready.catalogue.failures);
    require_start_experiments(experiment, options.store);  // rather than leave an empty store

    const Invocation command{options, folders, surroundings.get(), signals, *progress, out};
    if (experiment.stage1) {
        if (const int code = perform_stage(command, *experiment.stage1, std::move(ready)); code != 0) return code;
        ready = start_worker(folders, available_cores());
    }
    return perform_stage(command, experiment, std::move(ready));
}

store::Sweep newest_sweep(const RunOptions& options) {
    using store::StoreError;
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

}  // namespace

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
    const auto folders =
        plugin_folders(options.plugin_paths, plugin_folders_of(newest.toml, newest.file, options.overrides));
    return perform(options, newest.file, folders, [&](const PluginCatalogue& plugins) {
        return parse_experiment(newest.toml, newest.file, options.overrides, plugins);
    }, out);
}

}  // namespace marginalia
