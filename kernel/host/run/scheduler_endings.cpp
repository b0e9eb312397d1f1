// How workers end, and whose fault it was.
#include <fmt/format.h>

#include <csignal>

#include "kernel/host/run/blame.h"
#include "kernel/host/run/memory_events.h"
#include "kernel/host/run/scheduler.h"
#include "kernel/host/run/station.h"

namespace marginalia {

void Scheduler::worker_ended(Station& station) {
    hear(station, true);
    if (!station.worker) return;  // its last words ended it, or the trial
    const Ending ending = station.worker->ending();
    if (station.idle()) return station.drop_worker();
    if (station.started) {
        trial_ended_by(station, ending);
        return station.drop_worker();
    }
    const bool by_itself = !station.ready && (!station.ended_for.empty() || ending.signal != SIGKILL);
    std::string reason = "the worker ended by " + ending.text() + loading_words(station);
    if (const std::string output = last_output(station.worker->printed_since(0)); !output.empty())
        reason += "; last output: " + output;
    if (!station.ended_for.empty()) reason = station.ended_for;
    station.drop_worker();
    if (by_itself) trial_cannot_start(station, reason);
    else worker_not_started(station, reason);
}

// Not the trial's fault: another try, a few times.
void Scheduler::worker_not_started(Station& station, const std::string& reason) {
    if (++station.job->losses > most_losses) trial_cannot_start(station, reason);
}

// Where its claim is still on its way, it fails once that arrives.
void Scheduler::trial_cannot_start(Station& station, const std::string& reason) {
    if (station.claim && station.device_lost) device_failed(station, DeviceFault::lost, reason);
    else if (station.claim) trial_failed(station, store::Status::failed, reason);
    else station.claim_error = reason;
}

// What came through its pipe was no record of ours: a plugin wrote there, or over the worker's memory. Nothing that
// follows can be believed.
void Scheduler::worker_babbles(Station& station, const std::string& what) {
    const std::string text = "the worker sent " + what;
    const bool had_trial = !station.idle();
    const bool started = station.started;
    const std::string where = state_words(station) + (started ? "" : loading_words(station));
    keep_last_words(station);
    station.drop_worker();
    if (!had_trial) return;
    const std::string reason = text + where + "; a plugin writes to a file descriptor or memory that is not its own: " +
                               plugins_of(station.job->config->config);
    if (started) trial_failed(station, store::Status::failed, reason);
    else trial_cannot_start(station, reason);
}

void Scheduler::trial_ended_by(Station& station, const Ending& ending) {
    using store::Status;
    const std::string where = state_words(station);
    if (station.killed_as == Status::preempted) return trial_preempted(station);
    if (station.killed_as == Status::timeout) {
        const std::string limit = fmt::format("ran longer than run.time_limit = {} seconds", options_.time_limit);
        return trial_failed(station, Status::timeout, limit + where);
    }
    if (!station.ended_for.empty()) return trial_failed(station, Status::failed, station.ended_for + where);
    if (ending.signal != SIGKILL) {
        const std::string output = last_output(station.worker->printed_since(station.log_place));
        const std::string words = words_on_crash(station, ending);
        if (const auto fault = fault_of(station, output); fault != DeviceFault::none)
            return device_failed(station, fault, words);
        if (says_out_of_memory(output)) return trial_out_of_memory(station, words);
        return trial_failed(station, Status::failed, words);
    }
    if (out_of_memory_kills() > station.kills_before)
        return trial_out_of_memory(station, "the worker was killed for lack of memory" + where);
    trial_lost(station, "its worker was killed by " + ending.text() + where);
}

std::string Scheduler::loading_words(const Station& station) {
    return station.loading.empty() ? " before it loaded a plugin" : " while it loaded " + station.loading;
}

// " during training, at 120 of 1000"
std::string Scheduler::state_words(const Station& station) {
    const RunningTrial& trial = station.shown;
    if (trial.phase.empty()) return {};
    std::string words = " during " + trial.phase;
    if (trial.total > 0) words += ", at " + std::to_string(trial.done) + " of " + std::to_string(trial.total);
    return words;
}

std::string Scheduler::words_on_crash(const Station& station, const Ending& ending) const {
    const std::string log = station.worker->printed_since(station.log_place);
    std::string words = "the worker ended by " + ending.text() + state_words(station);
    if (const std::string plugin = plugin_on_stack(log, catalogue_); !plugin.empty()) words += " in " + plugin;
    if (const std::string output = last_output(log); !output.empty()) words += "; last output: " + output;
    return words;
}

}  // namespace marginalia
