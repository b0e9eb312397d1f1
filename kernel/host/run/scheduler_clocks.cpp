// What ends trials before their time: signals, time limits, workers that say nothing more.
#include <algorithm>
#include <csignal>

#include "kernel/host/run/scheduler.h"
#include "kernel/host/run/station.h"

namespace marginalia {
namespace {

constexpr auto one_keypress = std::chrono::milliseconds(500);  // timeout(1), make and terminals may signal it twice

}  // namespace

// The first signal lets trials checkpoint, the second ends everything at once.
void Scheduler::take_signals() {
    for (int signal = signals_.next(); signal != 0; signal = signals_.next()) {
        if (signal == SIGTSTP) {
            pause();
        } else if (result_.signal == 0) {
            result_.signal = signal;
            const bool nothing_to_keep = !anything_started() && unsaid_.empty();
            stop_all("stopping: running trials write a checkpoint and end" +
                     (signal == SIGINT ? "; press Ctrl-C again to kill them" : " (" + signal_name(signal) + ")"));
            if (nothing_to_keep) stop_deadline_ = Clock::now();
        } else if (is_urgent(signal) && Clock::now() - stopped_at_ > one_keypress) {
            if (anything_started() && Clock::now() < stop_deadline_) progress_.line("killing what still runs");
            stop_deadline_ = Clock::now();
        }
    }
}

// Ctrl-Z stops the workers too, which are no part of the terminal's job, and the time until `fg` is nobody's.
void Scheduler::pause() {
    const auto tell_workers = [this](int signal) {
        for (const auto& station : stations_)
            if (station->worker) station->worker->signal(signal);
    };
    progress_.clear();
    const auto began = Clock::now();
    tell_workers(SIGSTOP);
    StopSignals::stop_here();
    tell_workers(SIGCONT);
    const auto now = Clock::now();
    for (auto& station : stations_) {
        station->shown.started += now - began;
        station->loading_since += now - began;
    }
    read_since_ = now;
    stopped_at_ += now - began;
    began_ += now - began;
    stop_deadline_ += now - began;
}

void Scheduler::check_clocks() {
    const auto now = Clock::now();
    for (auto& station : stations_) {
        if (station->worker) check_patience(*station, now);
        if (!station->started || station->killed_as) continue;
        const bool over_time = options_.time_limit > 0 && station->shown.seconds() > options_.time_limit;
        const bool asked_long_ago = station->wish && now >= station->stop_by;
        if (asked_long_ago || (stopping_ && now >= stop_deadline_)) station->killed_as = store::Status::preempted;
        else if (over_time) station->killed_as = store::Status::timeout;
        else continue;
        station->worker->kill();
    }
}

void Scheduler::check_patience(Station& station, Clock::time_point now) {
    const auto& [loading, record, end] = options_.patience;
    const auto over = [&](std::optional<Clock::time_point> since, auto patience) {
        return since && now - std::max(*since, read_since_) > patience;
    };
    if (over(station.worker->half_said(), record))
        return worker_babbles(station, "a record that was begun and not ended within " + seconds_text(record));
    if (!station.ended_for.empty() || station.killed_as) return;
    if (!station.ready && over(station.loading_since, loading))
        station.ended_for = (station.loading.empty() ? "the worker did" : station.loading + " does") +
                            " not finish loading within " + seconds_text(loading);
    else if (over(station.worker->closed(), end))
        station.ended_for = "the worker closed the pipe of its records and went on";
    else return;
    station.worker->kill();
}

}  // namespace marginalia
