// What is written of trials while they run: how far they are, and what their workers print.
#include <utility>

#include "kernel/host/run/scheduler.h"
#include "kernel/host/run/station.h"
#include "store/live.h"

namespace marginalia {
namespace {

constexpr auto between_beats = std::chrono::seconds(5);
constexpr auto between_pieces = std::chrono::milliseconds(250);  // of a log; the writer takes as long again

}  // namespace

void Scheduler::beat() {
    const auto now = Clock::now();
    if (now < beat_at_ || store_is_behind()) return;
    beat_at_ = now + between_beats;
    std::map<store::TrialId, store::TrialProgress> trials;
    for (const auto& station : stations_) {
        if (!station->started) continue;
        const RunningTrial& shown = station->shown;
        trials[station->job->trial] = {shown.phase, shown.done, shown.total, shown.rate()};
    }
    if (trials.empty()) return;
    writer_.run([trials = std::move(trials)](store::Store& store) { store::write_progress(store, trials); });
}

void Scheduler::keep_logs() {
    const auto now = Clock::now();
    for (const auto& station : stations_) {
        if (!station->started || !station->worker) continue;
        // The beginning before a flood washes it away; of what follows the newest will do.
        const std::int64_t waiting = station->worker->output().size() - station->logged;
        const bool is_beginning = station->logged - station->log_place < store::first_log_bytes;
        const bool is_due = now >= station->log_at && station->log_number <= writer_.written();
        if (is_due || (is_beginning && waiting >= store::first_log_bytes)) keep_log(*station);
    }
}

// A trial's worker may have said its last.
void Scheduler::keep_last_words(Station& station) {
    if (!station.started || !station.worker) return;
    station.worker->output().take_rest();
    keep_log(station);
}

void Scheduler::keep_log(Station& station) {
    const WorkerOutput& output = station.worker->output();
    const std::int64_t place = std::exchange(station.logged, output.size());
    if (place == station.logged) return;
    store::LogPiece piece{output.since(place), 0, std::exchange(station.log_attempt, 0)};
    piece.skipped = station.logged - place - static_cast<std::int64_t>(piece.bytes.size());
    station.log_at = Clock::now() + between_pieces;
    station.log_number = writer_.run(
        [trial = station.job->trial, piece = std::move(piece)](store::Store& s) { store::add_log(s, trial, piece); });
}

}  // namespace marginalia
