// Takes trials for this process, on a thread of its own, so that the event loop never waits for the store.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "kernel/host/run/job.h"
#include "kernel/host/run/progress.h"
#include "kernel/host/run/slots.h"
#include "store/queries.h"
#include "store/writer.h"

namespace marginalia {

// What a slot needs to start its trial.
struct Claim {
    std::size_t slot = 0;
    bool ours = false;                                  // false: it is not to be had
    store::Status status = store::Status::running;      // then: what it is
    bool removed = false;                               // then: it is no longer there
    std::string error;                                  // not empty: it is ours, but cannot start; why
    bool store_failed = false;                          // what `error` says is of the store's file, not of the trial
    std::optional<store::StoredCheckpoint> checkpoint;  // to go on from
    Clock::time_point at{};                             // when it was claimed
    double seconds_before = 0;                          // spent running in earlier attempts
    store::Standing standing;                           // of a trial that is to be trained, as the next two
    store::Setback setback;
    std::vector<store::CurvePoint> curve;  // of the metric that is watched
    std::int64_t attempt = 0;              // that this is
    // Of a training, that of the trial which train.start_from names; of an evaluation, its state.
    std::optional<store::StoredCheckpoint> start_from;
};

// A piece of a checkpoint on its way to a worker.
struct ClaimedPiece {
    std::size_t slot = 0;
    std::uint64_t ticket = 0;  // of the trial that it is for
    std::string bytes;         // empty: there is none of this number
    std::string error;         // why the store could not be read
};

// The checkpoint whose network `train.start_from` names: of "EXPERIMENT@HASH" that of the finished trial of this config
// and seed; of "EXPERIMENT" that of the one of the same seed, else of the lowest KL, else of the lowest negative
// log-likelihood. Throws Error where there is none.
store::StoredCheckpoint network_of(store::Store& store, const std::string& start_from, std::int64_t seed,
                                   const std::string& target);

// Threads: ask and take are for the event loop, which polls descriptor() and calls heard() before it takes.
class Claimer {
public:
    // `watched`: a metric whose points so far come with the claims of trainings; empty: none.
    Claimer(store::Writer& writer, std::string watched);
    ~Claimer();  // lets what was asked for end

    void ask(std::size_t slot, const Job& job, const Slot& where, const store::Hardware& hardware);
    void ask_piece(std::size_t slot, std::uint64_t ticket, const store::StoredCheckpoint& of, std::int64_t number);
    void heard();
    std::optional<Claim> take();
    std::optional<ClaimedPiece> take_piece();
    int descriptor() const { return event_; }

private:
    struct ClaimRequest {
        std::size_t slot;
        store::TrialId trial;
        std::int64_t seed;
        std::string device, start_from, target;
        int threads;
        store::Hardware hardware;
        std::int64_t evaluation;  // 0: to train
    };
    struct PieceRequest {
        std::size_t slot;
        std::uint64_t ticket;
        store::StoredCheckpoint of;
        std::int64_t number;
    };
    void serve();
    Claim claim(const ClaimRequest& request);
    void read_training(store::Store& store, store::TrialId trial, Claim& answer) const;
    ClaimedPiece read_piece(const PieceRequest& request);

    store::Writer& writer_;
    const std::string watched_;
    const int event_;
    std::mutex mutex_;
    std::condition_variable asked_;
    std::deque<ClaimRequest> requests_;
    std::deque<PieceRequest> piece_requests_;
    std::deque<Claim> claims_;
    std::deque<ClaimedPiece> pieces_;
    bool end_ = false;
    std::thread thread_;
};

}  // namespace marginalia
