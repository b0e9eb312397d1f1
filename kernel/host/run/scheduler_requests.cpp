// What others do to a run's trials while it goes on: people who cancel, pause and retry them, runs that share them.
#include <fmt/format.h>

#include <algorithm>

#include "kernel/host/results/text.h"
#include "kernel/host/run/scheduler.h"
#include "kernel/host/run/station.h"

namespace marginalia {
namespace {

constexpr auto request_patience = std::chrono::seconds(120);  // for a trial that was asked to checkpoint and stop

}  // namespace

// What is asked of trials that stop anyway, the store remembers and does.
void Scheduler::heed_store() {
    const bool anything_left = !queue_.empty() || !elsewhere_.empty() || anyone_busy() || rungs_->is_deciding();
    if (stopping_ || !anything_left) return;
    const auto news = watch_->news(!elsewhere_.empty());
    if (!news) return;
    rungs_->look_again();  // one that waits may have been given up or queued, on which decisions hang
    for (const auto& station : stations_)
        if (station->job)
            if (const auto asked = news->requests.find(station->job->trial); asked != news->requests.end())
                heed_request(*station, asked->second);
    take_up_open(*news);
}

// Its status is the store's to say: `preempted` becomes what was asked for, if that has not been withdrawn meanwhile.
void Scheduler::heed_request(Station& station, store::Wish wish) {
    if (station.wish) return;
    station.wish = wish;
    station.stop_by = Clock::now() + request_patience;
    if (station.started) station.worker->send(Command::stop);
    else if (station.claim) trial_preempted(station);
}

// "cancelled": how a trial is said to have ended that somebody has asked to stop.
std::string Scheduler::end_as_asked(const Station& station) {
    watch_->look_again();
    return std::string(
        store::name_of(*station.wish == store::Wish::cancel ? store::Status::cancelled : store::Status::paused));
}

std::set<store::TrialId> Scheduler::at_hand() const {
    std::set<store::TrialId> trials;
    for (const Job& job : queue_) trials.insert(job.trial);
    for (const auto& station : stations_)
        if (station->job) trials.insert(station->job->trial);
    for (const Unsaid& unsaid : unsaid_) trials.insert(unsaid.job.trial);
    return trials;
}

// What the look has not seen yet, we know better.
void Scheduler::take_up_open(const StoreNews& news) {
    std::set<store::TrialId> known = at_hand();
    const std::set<store::TrialId> before = std::exchange(elsewhere_, {});
    for (const store::OpenTrial& trial : news.open) {
        if (rungs_->holds(trial.id)) continue;  // who hands it over with what was decided
        if (known.contains(trial.id)) continue;
        const bool queued = trial.status == store::Status::queued;
        const auto since = known_since_.find(trial.id);
        if (since != known_since_.end() && since->second >= news.number) {
            if (before.contains(trial.id)) elsewhere_.insert(trial.id);
        } else if (trial.status != store::Status::running && (queued || !given_up_.contains(trial.id))) {
            take_up(trial);
        } else if (trial.status == store::Status::running && !trial.ours) {
            elsewhere_.insert(trial.id);
        }
    }
    known.merge(at_hand());
    for (const store::TrialId trial : before)
        if (!elsewhere_.contains(trial) && !known.contains(trial)) result_.elsewhere.insert(trial);
    if (elsewhere_.empty() || !queue_.empty() || anyone_busy()) return;
    if (!std::exchange(waiting_said_, true))
        progress_.note("waiting for " + count_text(elsewhere_.size(), "trial") + " that another process runs");
}

// A trial of ours that somebody has queued again, or whose process has left it.
void Scheduler::take_up(const store::OpenTrial& open) {
    Job job = all_.at(open.id);
    job.trained = open.trained && open.evaluation != 0;
    if (job.trained) {
        std::erase_if(job.evaluations, [&](const Evaluation& one) { return one.id != open.evaluation; });
        if (job.evaluations.empty()) return;  // not asked for by this run's file
        job.config = job.evaluations.front().config;
        job.label = job.evaluations.front().label;
    }
    job.threads = options_.keeps_threads ? static_cast<int>(open.threads) : 0;
    result_.failed -= std::min<std::size_t>(result_.failed, std::erase(result_.told, open.id));
    result_.elsewhere.erase(open.id);
    given_up_.erase(open.id);
    trials_.insert(open.id);
    const bool queued = open.status == store::Status::queued;
    const char* why = !queued       ? "was left by the process that ran it"
                      : job.trained ? "waits for its evaluation"
                                    : "was queued again";
    progress_.note("trial " + std::to_string(job.trial) + " (" + job.label + ") " + why + ", so it goes on here");
    room_changed_ = true;
    queue_.push_back(std::move(job));
}

std::uint64_t Scheduler::set_status(store::TrialId trial, store::Status status, std::string reason) {
    return known_since_[trial] = writer_.status(trial, status, std::move(reason));
}

// What it has printed is there before it is said to have ended.
std::uint64_t Scheduler::end_with(Station& station, store::Status status, std::string reason) {
    keep_last_words(station);
    return set_status(station.job->trial, status, std::move(reason));
}

// After a failure of its own or of what it ran on.
bool Scheduler::goes_on(const Station& station) const { return !stopping_ && !station.wish; }

// The claim of a trial that was not to be had.
void Scheduler::went_elsewhere(Station& station) {
    const Job& job = *station.job;
    const store::Status now = station.claim->status;
    known_since_[job.trial] = watch_->last_look();
    watch_->look_again();
    if (station.claim->removed)
        progress_.note(fmt::format("trial {0} ({1}) was removed meanwhile; marginalia restore {0} brings it back",
                                   job.trial, job.label));
    else if (now == store::Status::running) elsewhere_.insert(job.trial);
    else if (now == store::Status::cancelled || now == store::Status::paused)
        progress_.note("trial " + std::to_string(job.trial) + " (" + job.label + ") is " +
                       std::string(store::name_of(now)));
    else result_.elsewhere.insert(job.trial);
    vacate(station);
}

}  // namespace marginalia
