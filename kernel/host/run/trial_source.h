// Trials that come to a scheduler while it runs others.
#pragma once

#include <deque>
#include <set>

#include "kernel/host/run/job.h"

namespace marginalia {

// Called by the scheduler's thread; nothing of it waits.
class TrialSource {
public:
    virtual ~TrialSource() = default;
    virtual int descriptor() const = 0;  // readable where there may be something to take, or the end has come
    virtual std::deque<Job> take() = 0;  // a trial that the scheduler has at hand must not come again
    virtual bool has_ended() const = 0;  // nothing more will come
    // What the scheduler still has to do with. Of others that were taken it has given the store's writer all that
    // there is to say.
    virtual void at_hand(const std::set<store::TrialId>& trials) = 0;
};

}  // namespace marginalia
