// A slot at work: its worker, its trial and what became of them. Internal to the scheduler.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "kernel/host/run/scheduler.h"

namespace marginalia {

// A checkpoint in the store on its way to a worker, piece by piece, so that we never hold the whole of it.
struct Feed {
    store::StoredCheckpoint of;
    std::int64_t number = 0;  // of the next piece
    std::int64_t sent = 0;    // bytes
};

struct Scheduler::Station {
    Slot slot;
    std::size_t index = 0;
    std::size_t device = 0;  // among the scheduler's
    std::int64_t held = 0;   // bytes of it that the worker may have kept from its last trial

    std::unique_ptr<WorkerProcess> worker;
    std::unique_ptr<WorkerProcess> leaving;  // the one before, killed: while it lives it may hold the device's memory
    Clock::time_point start_at{};            // not before this is a worker started: the last try failed
    bool ready = false;                      // the worker has opened what it was asked to open
    int lists_due = 0;                       // how often it was asked and has not answered
    std::set<std::string> plugin_files;      // that it was asked to open
    bool retired = false;                    // to be replaced
    std::string loading;                     // plugin file that it is loading
    Clock::time_point loading_since{};
    std::string ended_for;                       // why we have killed it; empty: we have not, or a clock says why
    std::set<std::string> plugin_sets;           // of the trials that it has run
    std::map<std::uint32_t, std::string> names;  // metric names that it has announced
    std::int64_t kills_before = 0;               // processes killed for lack of memory before it started

    std::optional<Job> job;
    Ask ask;                                 // of the trial at hand
    std::optional<Claim> claim;              // has arrived, the trial not yet started
    std::string claim_error;                 // why the trial cannot start once its claim arrives
    bool device_lost = false;                // that is why
    bool started = false;                    // the worker has the trial
    std::deque<Feed> feeds;                  // archives of the trial that the worker has not had yet
    bool piece_asked = false;                // the next piece is on its way to us
    std::uint32_t pieces = 0;                // of the checkpoint that the worker is sending
    std::uint64_t piece_bytes = 0;           // in them
    bool after_others = false;               // the worker has run trials of other plugins before
    std::uint64_t ticket = 0;                // by which it says that it ended
    std::int64_t log_place = 0;              // where the trial's output begins
    std::int64_t logged = 0;                 // up to there the store has been given it
    std::int64_t log_attempt = 0;            // to be said before more of it is; 0: it has been
    Clock::time_point log_at{};              // when more of it is due
    std::uint64_t log_number = 0;            // of the last piece among the writer's records
    std::optional<store::Status> killed_as;  // we killed the worker; what the trial is then
    std::int64_t kept_step = -1;             // of the trial's newest checkpoint; -1: it has none
    std::int64_t stop_at = 0;                // the rung to which the trial runs; 0: to its end
    std::string pruned_for;                  // why it is over once it has stopped; empty: it is not
    store::Rung pruned_at;
    std::optional<store::Wish> wish;  // of a person: the trial is to stop
    Clock::time_point stop_by{};      // then it is killed
    RunningTrial shown;

    // Where the trial at hand runs.
    Slot place() const {
        if (job && job->threads > 0) return {slot.device, job->threads};
        const std::int64_t asked = job ? job->config->resources.cores : 0;
        return {slot.device, asked > 0 ? static_cast<int>(asked) : slot.threads};
    }
    bool idle() const { return !job; }

    // Does not wait for its end.
    void drop_worker() {
        if (worker && !worker->ended()) {
            worker->kill();
            leaving = std::move(worker);
        }
        worker.reset();
        ready = retired = false;
        held = 0;
        lists_due = 0;
        plugin_files.clear();
        loading.clear();
        ended_for.clear();
        plugin_sets.clear();
        names.clear();
        killed_as.reset();
    }
    void drop_job() {
        job.reset();
        claim.reset();
        claim_error.clear();
        started = after_others = device_lost = false;
        wish.reset();
        feeds.clear();
        piece_asked = false;
        pieces = 0;
        piece_bytes = 0;
        kept_step = -1;
        pruned_for.clear();
    }
};

}  // namespace marginalia
