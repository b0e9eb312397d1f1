#include "kernel/host/run/queue_trials.h"

#include "kernel/host/run/origins.h"
#include "store/rungs.h"

namespace marginalia {

QueuedTrials queue_trials(store::Store& store, const Experiment& experiment, const PluginCatalogue& plugins,
                          const std::string& provenance, const WorkOptions& how, std::int64_t* sweep) {
    const auto now = nlohmann::json::parse(provenance);
    QueuedTrials queued;
    store.transaction([&] {
        store::PlannedSweep plan = planned(experiment, provenance);
        queued.reused = plan_reuse(store, experiment, plugins, now, plan);
        queued.trials = store.enqueue(plan, sweep);
        queued.work = work_list(experiment, queued.trials, changes_since(store, queued.trials, now), how);
        for (const store::TrialId trial : queued.work.to_forget) {
            store.forget_after(trial, -1);
            store::forget_setback(store, trial);
        }
        for (const auto& [trial, evaluation] : queued.work.to_requeue) {
            if (evaluation != 0) store.show_evaluation(trial, evaluation);
            store.requeue(trial);
        }
    });
    return queued;
}

}  // namespace marginalia
