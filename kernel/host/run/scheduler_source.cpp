// Trials that come while others run.
#include "kernel/host/run/scheduler.h"
#include "kernel/host/run/station.h"

namespace marginalia {

bool Scheduler::more_to_come() const { return source_ && !stopping_ && !source_->has_ended(); }

void Scheduler::take_more() {
    if (!source_ || stopping_) return;
    std::deque<Job> jobs = source_->take();
    if (jobs.empty()) return;
    placement_->note(jobs);
    for (Job& job : jobs) {
        trials_.insert(job.trial);
        queue_.push_back(std::move(job));
    }
    room_changed_ = true;
}

}  // namespace marginalia
