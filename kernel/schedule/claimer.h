// Takes trials for this process, on a thread of its own, so that the event loop never waits for the store.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "kernel/schedule/job.h"
#include "kernel/schedule/progress.h"
#include "kernel/schedule/slots.h"
#include "store/writer.h"

namespace marginalia {

// What a slot needs to start its trial.
struct Claim {
    std::size_t slot = 0;
    bool ours = false;          // false: another process has it
    std::string error;          // not empty: it is ours, but cannot start; why
    std::string checkpoint;     // to go on from
    std::int64_t step = -1;     // of that checkpoint
    Clock::time_point at{};     // when it was claimed
    double seconds_before = 0;  // spent running in earlier attempts
    std::string start_network;  // train.start_from: checkpoint of the trial to start from
};

// Threads: ask and take are for the event loop, which polls descriptor().
class Claimer {
public:
    explicit Claimer(store::Writer& writer);
    ~Claimer();  // lets what was asked for end

    void ask(std::size_t slot, const Job& job, const Slot& where);
    std::optional<Claim> take();
    int descriptor() const { return event_; }

private:
    struct Request {
        std::size_t slot;
        store::TrialId trial;
        std::int64_t seed;
        std::string device, start_from;
        int threads;
    };
    void serve();
    Claim claim(const Request& request);

    store::Writer& writer_;
    const int event_;
    std::mutex mutex_;
    std::condition_variable asked_;
    std::deque<Request> requests_;
    std::deque<Claim> claims_;
    bool end_ = false;
    std::thread thread_;
};

}  // namespace marginalia
