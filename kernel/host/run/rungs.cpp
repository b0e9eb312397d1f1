#include "kernel/host/run/rungs.h"

#include <algorithm>
#include <mutex>

#include "kernel/host/run/stop_rules.h"

namespace marginalia {

struct Rungs::Answers {
    std::mutex mutex;
    bool answered = false;
    std::vector<store::Standing> standings;  // of those that waited when it was asked

    void give(std::vector<store::Standing> found) {
        const std::lock_guard lock(mutex);
        answered = true;
        standings = std::move(found);
    }
};

namespace {

std::vector<store::Standing> decide(store::Store& store, const StopSettings& stop, const ComparedTrials& sweep,
                                    const std::vector<std::int64_t>& steps,
                                    const std::vector<store::TrialId>& waiting) {
    for (const std::vector<store::TrialId>& compared : sweep)
        for (const Verdict& verdict : asha_verdicts(store::standings(store, compared), stop, steps)) {
            if (verdict.promoted) store::promote(store, verdict.trial, verdict.number);
            else store::prune(store, verdict.trial, verdict.number, verdict.reason);
        }
    return store::standings(store, waiting);
}

}  // namespace

Rungs::Rungs(store::Writer& writer, StopSettings stop, ComparedTrials sweep, std::int64_t steps)
    : writer_(writer), stop_(std::move(stop)), sweep_(std::move(sweep)), steps_(rung_steps(stop_, steps)),
      answers_(std::make_shared<Answers>()) {}

void Rungs::add_waiting(Job job) { waiting_.emplace(job.trial, std::move(job)); }

void Rungs::arrive(Job job, std::int64_t step) {
    const std::int64_t number = std::ranges::find(steps_, step) - steps_.begin();
    writer_.run([trial = job.trial, number, step, metric = stop_.metric](store::Store& store) {
        store::wait_at_rung(store, trial, number, step, metric);
    });
    add_waiting(std::move(job));
    stale_ = true;
}

std::optional<Job> Rungs::take(store::TrialId trial) {
    const auto found = waiting_.extract(trial);
    return found.empty() ? std::nullopt : std::optional(std::move(found.mapped()));
}

void Rungs::ask() {
    asked_ = true;
    stale_ = false;
    std::vector<store::TrialId> waiting;
    for (const auto& [trial, job] : waiting_) waiting.push_back(trial);
    writer_.run([answers = answers_, stop = stop_, sweep = sweep_, steps = steps_, waiting](store::Store& store) {
        try {
            answers->give(decide(store, stop, sweep, steps, waiting));
        } catch (...) {
            answers->give({});
            throw;
        }
    });
}

Rungs::News Rungs::tend() {
    News news;
    {
        const std::lock_guard lock(answers_->mutex);
        if (answers_->answered) {
            asked_ = answers_->answered = false;
            for (const store::Standing& trial : answers_->standings) {
                if (trial.status == store::Status::paused) continue;
                auto job = take(trial.trial);
                if (!job) continue;
                if (trial.status == store::Status::queued) news.promoted.push_back(std::move(*job));
                else if (trial.status == store::Status::pruned) ++news.pruned[trial.rungs.back().step];
            }
        }
    }
    if (stale_ && !asked_ && !waiting_.empty()) ask();
    return news;
}

}  // namespace marginalia
