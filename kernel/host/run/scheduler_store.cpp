// What the scheduler does about its store: what it says of it, and the checkpoints that go from and to it.
#include <fmt/format.h>

#include <algorithm>

#include "kernel/host/results/text.h"
#include "kernel/host/run/hooks.h"
#include "kernel/host/run/scheduler.h"
#include "kernel/host/run/station.h"

namespace marginalia {
namespace {

constexpr std::size_t most_unwritten_bytes = 64 << 20;  // beyond that, workers wait for the store
constexpr auto lock_notice = std::chrono::seconds(2);   // a longer lock is reported

}  // namespace

bool Scheduler::store_is_behind() const { return writer_.waiting_bytes() > most_unwritten_bytes; }

bool Scheduler::anything_started() const {
    return std::any_of(stations_.begin(), stations_.end(), [](const auto& station) { return station->started; });
}

void Scheduler::check_store() {
    const auto written = writer_.written();  // before the failures, of which none among those is missed so
    for (const auto& [trial, why] : writer_.take_failed()) trial_spoilt(trial, why);
    say_written(written);
    heed_lock();
    if (const auto failure = writer_.failure(); !failure.empty()) return store_failed(failure);
    if (const auto moved = writer_.moved(); !moved.empty() && result_.store_failure.empty()) {
        result_.store_failure = moved;
        progress_.line(moved + "; stopping");
        stop_all("running trials write a checkpoint and end");
    }
}

void Scheduler::store_failed(const std::string& sentence) {
    if (store_is_lost_) return;
    store_is_lost_ = true;
    if (!gave_up_on_lock_) result_.store_failure = sentence;
    progress_.line(gave_up_on_lock_ ? "the store was still locked, and what it had not taken is lost"
                                    : sentence + "; stopping");
    stop_all("");
    stop_deadline_ = Clock::now();  // their checkpoints could not be kept
}

void Scheduler::heed_lock() {
    if (gave_up_on_lock_) return;
    const auto locked = writer_.locked_for();
    if (locked) locked_for_ = *locked;
    if (locked && *locked >= lock_notice && !lock_said_) {
        lock_said_ = true;
        progress_.line(
            fmt::format("store {} has been locked by another program for {}; all that is recorded waits here "
                        "until it is free, and trials go on (Ctrl-C twice gives up)",
                        writer_.file().string(), duration_text(locked_for_.count() / 1000.0)));
    }
    if (!locked && lock_said_) {
        lock_said_ = false;
        progress_.line(fmt::format("store {} is free again after {}", writer_.file().string(),
                                   duration_text(locked_for_.count() / 1000.0)));
    }
    if (locked && result_.signal != 0 && Clock::now() >= stop_deadline_) {
        gave_up_on_lock_ = true;
        writer_.give_up();
    }
}

void Scheduler::say_written(std::uint64_t number) {
    for (; !unsaid_.empty() && unsaid_.front().number <= number; unsaid_.pop_front()) {
        ++result_.done;
        if (options_.hooks) options_.hooks->done(unsaid_.front().job.trial);
        progress_.ended(unsaid_.front().shown, "done");
    }
}

// A record of it cannot be kept. The worker may be in the middle of it, or may have ended it well.
void Scheduler::trial_spoilt(store::TrialId trial, const std::string& why) {
    for (const auto& station : stations_) {
        if (!station->started || station->job->trial != trial) continue;
        keep_last_words(*station);
        station->drop_worker();
        return trial_failed(*station, store::Status::failed, why);
    }
    const auto unsaid =
        std::find_if(unsaid_.begin(), unsaid_.end(), [&](const Unsaid& u) { return u.job.trial == trial; });
    const auto waited = rungs_->take(trial);
    if (unsaid == unsaid_.end() && !waited) return progress_.line("trial " + std::to_string(trial) + ": " + why);
    progress_.line("trial " + std::to_string(trial) + " (" + (waited ? waited->label : unsaid->job.label) +
                   ") failed: " + why);
    if (waited) writer_.status(trial, store::Status::failed, why);
    else unsaid_.erase(unsaid);
    count_failed(trial);
}

// One piece at a time, once the worker has read the one before.
void Scheduler::feed_workers() {
    for (const auto& station : stations_) {
        if (!station->started || station->feeds.empty() || station->piece_asked) continue;
        if (!station->worker || station->worker->has_unsent()) continue;
        const Feed& feed = station->feeds.front();
        station->piece_asked = true;
        claimer_->ask_piece(station->index, station->ticket, feed.of, feed.number);
    }
}

void Scheduler::take_pieces() {
    while (auto piece = claimer_->take_piece()) {
        Station& station = *stations_[piece->slot];
        if (!station.started || station.ticket != piece->ticket || !station.worker) continue;
        station.piece_asked = false;
        if (!piece->error.empty()) continue;  // of the store's file, of which check_store says more; then we ask again
        Feed& feed = station.feeds.front();
        ++feed.number;
        feed.sent += static_cast<std::int64_t>(piece->bytes.size());
        if (piece->bytes.empty() || feed.sent > feed.of.bytes) {
            keep_last_words(station);
            station.drop_worker();
            trial_failed(
                station, store::Status::failed,
                fmt::format("the checkpoint of trial {} at step {}, which it starts from, is not whole in the store",
                            feed.of.trial, feed.of.step));
            continue;
        }
        if (feed.sent == feed.of.bytes) station.feeds.pop_front();
        station.worker->send(Command::piece, std::move(piece->bytes));
    }
}

void Scheduler::take_checkpoint_piece(Station& station, std::string_view payload) {
    const auto number = take<std::uint32_t>(payload);
    if (number != 0 && number != station.pieces)
        throw Error("piece " + std::to_string(number) + " of a checkpoint where piece " +
                    std::to_string(station.pieces) + " is due");
    if (number == 0) station.piece_bytes = 0;
    station.pieces = number + 1;
    station.piece_bytes += payload.size();
    writer_.checkpoint_piece(station.job->trial, number, std::string(payload));
}

void Scheduler::take_checkpoint_end(Station& station, std::string_view payload) {
    const auto step = take<std::int64_t>(payload);
    if (step < 0) throw Error("a checkpoint of step " + std::to_string(step));
    const auto bytes = take<std::uint64_t>(payload);
    if (station.pieces == 0 || bytes != station.piece_bytes)
        throw Error("a checkpoint of " + std::to_string(bytes) + " bytes of which " +
                    std::to_string(station.piece_bytes) + " came");
    station.pieces = 0;
    station.piece_bytes = 0;
    station.kept_step = step;
    writer_.end_checkpoint(station.job->trial, step, options_.retention);
}

}  // namespace marginalia
