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
    trials_ += jobs.size();
    for (Job& job : jobs) queue_.push_back(std::move(job));
    room_changed_ = true;
}

std::set<store::TrialId> Scheduler::at_hand() const {
    std::set<store::TrialId> trials;
    for (const Job& job : queue_) trials.insert(job.trial);
    for (const auto& station : stations_)
        if (station->job) trials.insert(station->job->trial);
    for (const Unsaid& unsaid : unsaid_) trials.insert(unsaid.job.trial);
    return trials;
}

}  // namespace marginalia
