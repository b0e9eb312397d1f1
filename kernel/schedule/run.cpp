#include "kernel/schedule/run.h"

#include <csignal>
#include <future>
#include <ostream>

#include <marginalia/error.h>

#include "kernel/plugins/plugin_host.h"
#include "kernel/report/summary.h"
#include "kernel/report/text.h"
#include "kernel/schedule/provenance.h"
#include "kernel/schedule/scheduler.h"
#include "kernel/schedule/sweep.h"
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

void say_plan(Progress& progress, const Experiment& experiment, const WorkList& work, const std::vector<Slot>& slots) {
    std::string text = experiment.name + ": " + count_text(experiment.trials.size(), "trial");
    if (work.done > 0) text += ", " + std::to_string(work.done) + " already done";
    if (work.running > 0) text += ", " + std::to_string(work.running) + " running in another process";
    if (work.left_failed > 0)
        text += ", " + std::to_string(work.left_failed) + " left failed (--retry-failed tries them again)";
    if (work.jobs.empty()) return progress.line(text + ", nothing to run");
    progress.line(text + ", " + std::to_string(work.jobs.size()) + " to run in " + slots_text(slots));
}

// Queues the sweep and says which of its trials are ours to run.
WorkList enqueue(store::Store& store, const Experiment& experiment, const std::string& provenance,
                 const RunOptions& options, Progress& progress) {
    if (const auto lost = store.mark_lost(); !lost.empty() && !options.quiet)
        progress.line(count_text(lost.size(), "trial") + " had lost " + (lost.size() == 1 ? "its" : "their") +
                      " process; marked as lost");
    const auto stored = store.enqueue(planned(experiment, provenance));
    WorkList work = work_list(experiment, stored, options.retry_failed);
    store.transaction([&] {
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

void say_end(Progress& progress, const ScheduleResult& result) {
    if (result.taken > 0) progress.line(count_text(result.taken, "trial") + " went to another process meanwhile");
    if (result.signal != 0 || result.preempted > 0) progress.line("run the file again to go on where it stopped");
}

// Everything from plugins to the summary, the same for a file and for a sweep in the store.
int perform(const RunOptions& options, const fs::path& file, const ReadExperiment& read, std::ostream& out) {
    StopSignals signals;
    auto surroundings = std::async(std::launch::async, surroundings_of, fs::absolute(file));
    const std::vector<fs::path> folders = plugin_folders(options.plugin_paths);
    ReadyWorker ready = start_worker(folders, available_cores());
    const Experiment experiment = read(ready.catalogue);
    ScheduleOptions schedule = schedule_options(experiment.run, ready.cuda_devices, folders);
    const auto progress = make_progress(options.quiet);
    if (!ready.catalogue.failures.empty() && !options.quiet)
        progress->line(count_text(ready.catalogue.failures.size(), "plugin file") +
                       " refused; marginalia plugins says why");

    store::Store store = store::Store::open(options.store);
    const std::string provenance = provenance_of(surroundings.get(), experiment, ready.catalogue, ready.torch_version,
                                                 options.command_line);
    const WorkList work = enqueue(store, experiment, provenance, options, *progress);
    if (!options.quiet) say_plan(*progress, experiment, work, schedule.slots);

    ScheduleResult result;
    if (!work.jobs.empty()) {
        store::Writer writer(std::move(store));
        Scheduler scheduler(writer, *progress, signals, std::move(schedule));
        scheduler.adopt(std::move(ready));
        result = scheduler.run(work.jobs);
        if (result.store_failure.empty()) writer.flush();
        if (result.store_failure.empty() && !writer.failure().empty())
            progress->line(result.store_failure = writer.failure());
    }
    if (!options.quiet) {
        say_end(*progress, result);
        store::Store reader = store::Store::open_to_read(options.store);
        print_summary(reader, experiment.name, out);
    }
    return exit_code(result, work);
}

}  // namespace

int run_verb(const RunOptions& options, std::ostream& out) {
    const auto read = [&](const PluginCatalogue& plugins) {
        return read_experiment(options.file, options.overrides, plugins);
    };
    if (!fs::is_regular_file(options.file)) read({});  // says so before a worker is started for nothing
    return perform(options, options.file, read, out);
}

int resume_verb(const RunOptions& options, std::ostream& out) {
    store::Sweep newest;
    {
        store::Store reader = store::Store::open_to_read(options.store);
        const auto sweeps = store::list_sweeps(reader, options.experiment);
        if (sweeps.empty())
            throw Error(options.store.string() + ": the store holds no experiment" +
                        (options.experiment.empty() ? "" : " named '" + options.experiment + "'") +
                        "; marginalia list shows those there are");
        newest = sweeps.back();
    }
    return perform(options, newest.file, [&](const PluginCatalogue& plugins) {
        return parse_experiment(newest.toml, newest.file, options.overrides, plugins);
    }, out);
}

}  // namespace marginalia
