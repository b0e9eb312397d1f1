#include "kernel/host/run/run_hooks.h"

#include <iostream>
#include <memory>

namespace marginalia {

nlohmann::json sweep_json(const Experiment& experiment, const std::filesystem::path& store, const WorkList& work,
                          const ScheduleResult& result) {
    return {{"experiment", experiment.name},
            {"file", std::filesystem::absolute(experiment.file).string()},
            {"store", std::filesystem::absolute(result.store.empty() ? store : result.store).string()},
            {"trials", experiment.trials.size()},
            {"already_done", work.done},
            {"done", result.done},
            {"failed", result.failed},
            {"left_failed", work.left_failed},
            {"stopped", result.preempted},
            {"signal", result.signal == 0 ? nlohmann::json() : nlohmann::json(signal_name(result.signal))}};
}

void end_hooks(Hooks& hooks, nlohmann::json sweep, StopSignals& signals, Progress& progress) {
    bool stopped = false;
    hooks.finish(std::move(sweep), [&] {
        for (int signal = signals.next(); signal != 0; signal = signals.next()) stopped = stopped || is_urgent(signal);
        return stopped;
    });
    for (const std::string& line : hooks.take_lines()) progress.line(line);
}

void leave_out_hooks(Experiment& experiment, const StoredCode& code) {
    if (code.covers_hooks(experiment.hooks)) return;
    std::cerr
        << "left out: the hooks of this experiment, commands that the store names and that were not chosen by you "
           "on this machine; --trust runs them\n";
    experiment.hooks = {};
    if (!experiment.stage1) return;
    auto first = std::make_shared<Experiment>(*experiment.stage1);  // which has the same
    first->hooks = {};
    experiment.stage1 = first;
}

}  // namespace marginalia
