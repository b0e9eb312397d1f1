// What others write into the store about the trials of a run, as its event loop learns of it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "kernel/host/run/progress.h"
#include "store/requests.h"
#include "store/writer.h"

namespace marginalia {

// As the store was at one moment, not long ago.
struct StoreNews {
    std::map<store::TrialId, store::Wish> requests;
    std::vector<store::OpenTrial> open;  // those of the run's trials that have not ended
    std::uint64_t number = 0;            // of the look among the writer's records: it knows those before
};

// Looks by way of the writer, in its ordinary transactions, four times a second: its own connection counts what others
// have written, so that a look after which nothing has changed costs one PRAGMA.
//
// Threads: the event loop's; what it asks of the writer's thread goes by a shared box.
class StoreWatch {
public:
    StoreWatch(store::Writer& writer, const std::vector<store::TrialId>& trials);

    // What has changed since the last call, if anything has; call it often. `others_run`: others run trials of ours,
    // so every second those whose host is gone are marked as lost.
    std::optional<StoreNews> news(bool others_run);
    std::uint64_t last_look() const { return number_; }  // its number: news of it, or before it, may be still to come
    // The next news come whether or not somebody has written, and know all that the writer has been given so far.
    void look_again() { again_ = true; }

private:
    struct Box;
    store::Writer& writer_;
    const std::shared_ptr<Box> box_;
    bool again_ = true;
    std::uint64_t number_ = 0;  // of the last look
    Clock::time_point dead_looked_for_{};
};

}  // namespace marginalia
