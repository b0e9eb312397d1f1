// Trials that end before their last step: at rungs, as others are better, or since a step was not finite.
#include <fmt/format.h>

#include "kernel/host/results/text.h"
#include "kernel/host/run/scheduler.h"
#include "kernel/host/run/station.h"

namespace marginalia {
namespace {

constexpr double smaller_rate = 0.1;  // of the learning rate, after a step that was not finite

}  // namespace

// What earlier runs have finished is what trials are compared with.
void Scheduler::prepare_rule() {
    if (!options_.stop.is_median()) return;
    for (const std::vector<store::TrialId>& compared : options_.sweep) {
        const auto rule = std::make_shared<MedianRule>(options_.stop);
        for (const store::TrialId trial : compared) medians_.emplace(trial, rule);
        writer_.run_and_wait([&](store::Store& store) {
            for (const store::Standing& trial : store::standings(store, compared)) {
                if (!trial.trained) continue;
                rule->begin(trial.trial, store::metric_curve(store, trial.trial, options_.stop.metric));
                rule->complete(trial.trial);
            }
        });
    }
}

MedianRule* Scheduler::median_of(store::TrialId trial) const {
    const auto found = medians_.find(trial);
    return found == medians_.end() ? nullptr : found->second.get();
}

void Scheduler::trial_reached(Station& station) {
    if (station.stop_at == 0) throw Error("a rung that it was not to come to");
    progress_.ended(station.shown, fmt::format("waits at step {}", station.stop_at));
    placement_->did_well(station.device);
    const int threads = station.place().threads;
    Job job = std::move(*station.job);
    job.threads = threads;  // as its training goes on with as many
    job.latest = station.shown.latest;
    job.begun = true;
    vacate(station);
    rungs_->arrive(std::move(job), station.stop_at);
}

void Scheduler::tend_rungs() {
    if (stopping_) return;
    auto [promoted, pruned] = rungs_->tend();
    for (Job& job : promoted) {
        queue_.push_front(std::move(job));
        room_changed_ = true;
    }
    for (const auto& [step, count] : pruned) {
        result_.pruned += count;
        progress_.note(fmt::format("{} pruned at step {}: others had a better {} there", count_text(count, "trial"),
                                   step, options_.stop.metric));
    }
}

void Scheduler::compare_with_others(Station& station, const std::vector<store::MetricPoint>& points) {
    MedianRule* const median = median_of(station.job->trial);
    if (!median || station.job->trained || !station.pruned_for.empty()) return;
    for (const store::MetricPoint& point : points) {
        if (point.name != options_.stop.metric) continue;
        const auto reason = median->see(station.job->trial, point.step, point.value);
        if (!reason) continue;
        station.pruned_for = *reason;
        station.pruned_at = {
            .number = std::ssize(station.job->standing.rungs), .step = point.step, .value = point.value};
        return station.worker->send(Command::stop);
    }
}

void Scheduler::trial_pruned(Station& station) {
    writer_.run([trial = station.job->trial, rung = station.pruned_at, why = station.pruned_for](store::Store& store) {
        store::prune_at(store, trial, rung, why);
    });
    ++result_.pruned;
    progress_.line(fmt::format("trial {} ({}) pruned: {}", station.job->trial, station.job->label, station.pruned_for));
    vacate(station);
}

// False: that is not for the rule to mend.
bool Scheduler::tried_slower(Station& station, const std::string& reason) {
    if (options_.stop.nan != "retry" || station.job->trained) return false;
    const store::Setback before = station.job->setback;
    if (!before.reason.empty()) {
        trial_failed(station, store::Status::failed,
                     fmt::format("{} (with {:g} of the learning rate; with all of it before: {})", reason, before.rate,
                                 before.reason));
        return true;
    }
    Job job = std::move(*station.job);
    vacate(station);
    writer_.run(
        [trial = job.trial, reason](store::Store& store) { store::set_back(store, trial, {smaller_rate, reason}); });
    progress_.line(
        fmt::format("trial {} ({}) failed: {}; going on from its last checkpoint with {:g} of the learning "
                    "rate, as stop.nan says",
                    job.trial, job.label, reason, smaller_rate));
    if (stopping_) ++result_.preempted;
    else put_back(std::move(job));
    return true;
}

void Scheduler::check_budget() {
    const double budget = options_.stop.time_budget;
    if (budget <= 0 || stopping_ || std::chrono::duration<double>(Clock::now() - began_).count() < budget) return;
    result_.budget_spent = true;
    stop_all("the time budget of " + duration_text(budget) + " is spent: running trials write a checkpoint and end");
}

}  // namespace marginalia
