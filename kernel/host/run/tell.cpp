// `tell`: trials whose parameters somebody else chooses, one line of JSON after the other.
#include <future>

#include "kernel/host/run/live_runs.h"
#include "kernel/host/run/open_store.h"
#include "kernel/host/run/processors.h"
#include "kernel/host/run/provenance.h"
#include "kernel/host/run/run.h"
#include "kernel/host/run/run_parts.h"
#include "kernel/host/run/told_trials.h"

namespace marginalia {

int tell_verb(const RunOptions& options, int input, int output) {
    StopSignals signals;
    const LiveRun live;
    auto surroundings = std::async(std::launch::async, surroundings_of, std::filesystem::absolute(options.file));
    const auto progress = make_progress(options.quiet);
    const ReadyWorker listed = list_plugins(experiment_plugin_folders(options), options.patience, &signals);
    if (listed.stopped_by != 0) return exit_code_after(listed.stopped_by);
    const Experiment experiment = read_experiment(options.file, options.overrides, listed.catalogue);
    bring_up_to_date(options.store);

    // How many lines will wait at a time nobody knows: as many as there are cores.
    Demand demand = demand_of({&experiment.trials.front()}, live.others());
    demand.trials = static_cast<std::size_t>(available_cores());
    ReadyWorker ready =
        start_worker(listed.catalogue, first_threads(experiment.run, demand), options.patience, &signals);
    if (ready.stopped_by != 0) return exit_code_after(ready.stopped_by);
    ScheduleOptions schedule = schedule_options(experiment.run, options.patience);
    add_places(schedule, experiment.run, ready.torch, demand);
    const std::string provenance =
        provenance_of(with_code(surroundings.get(), experiment, listed.catalogue, *progress), experiment,
                      listed.catalogue, ready.torch.version, options.command_line);
    int signal = 0;
    store::Store store = open_store(options.store, wait_for_lock(options.store, *progress, signals, signal));
    store.mark_lost();
    if (!options.quiet)
        progress->line(experiment.name + ": parameters by standard input, trials in " + slots_text(schedule.slots));

    store::Writer writer(std::move(store));
    Scheduler scheduler(writer, *progress, signals, std::move(schedule));
    scheduler.adopt(std::move(ready));
    ToldTrials told({options, experiment, listed.catalogue, provenance, writer, input, output});
    const ScheduleResult result = scheduler.run(told);
    if (!told.failure().empty()) throw WriteError(told.failure());
    if (!result.store_failure.empty()) return exit_store;
    if (result.signal != 0) return exit_code_after(result.signal);
    return result.failed > 0 || result.devices_lost ? exit_trial_failed : exit_ok;
}

}  // namespace marginalia
