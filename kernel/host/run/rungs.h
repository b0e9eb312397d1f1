// The trials that wait at rungs, and what becomes of them.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "kernel/host/run/job.h"
#include "kernel/spec/stop_settings.h"
#include "store/writer.h"

namespace marginalia {

// Decisions are made from the store's rows and written in one transaction with the statuses that follow from them, so
// that neither a kill nor a second host that runs trials of the same sweep changes what is decided.
//
// Threads: one, that of the event loop. The store's writer decides on its own.
class Rungs {
public:
    // `sweep`: all trials that are compared, of so many steps each.
    Rungs(store::Writer& writer, StopSettings stop, ComparedTrials sweep, std::int64_t steps);

    const std::vector<std::int64_t>& steps() const { return steps_; }

    void add_waiting(Job job);                      // that has waited since an earlier run
    void arrive(Job job, std::int64_t step);        // writes that it waits
    void look_again() { stale_ = true; }            // a trial has ended, on which a decision may hang
    std::optional<Job> take(store::TrialId trial);  // it waits no longer, whatever is decided
    bool holds(store::TrialId trial) const { return waiting_.contains(trial); }

    struct News {
        std::vector<Job> promoted;
        std::map<std::int64_t, std::size_t> pruned;  // trials that are over, by the step of their rung
    };
    // To be called again and again: has the store decide where something has changed, and hands over what was decided.
    News tend();

    bool is_deciding() const { return asked_ || (stale_ && !waiting_.empty()); }
    std::size_t waiting() const { return waiting_.size(); }

private:
    struct Answers;  // of the store's writer
    void ask();

    store::Writer& writer_;
    const StopSettings stop_;
    const ComparedTrials sweep_;
    const std::vector<std::int64_t> steps_;
    std::map<store::TrialId, Job> waiting_;
    bool stale_ = true, asked_ = false;
    std::shared_ptr<Answers> answers_;
};

}  // namespace marginalia
