// Successive halving without rounds.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "kernel/host/run/stop_rules.h"

namespace marginalia {
namespace {

using store::Decision;
using store::Standing;

bool is_over(const Standing& trial) {
    return trial.trained || (store::facts_of(trial.status).ended && trial.status != store::Status::paused);
}

class Ladder {
public:
    Ladder(std::vector<Standing> trials, const StopSettings& stop, std::size_t rungs)
        : trials_(std::move(trials)), wait_(stop.wait), reduction_(static_cast<std::size_t>(stop.reduction)),
          metric_(stop.metric), goal_(stop.direction()), rungs_(rungs) {
        // One that waited when it was given up is as good as never there.
        for (Standing& trial : trials_)
            if (is_over(trial) && !trial.rungs.empty() && trial.rungs.back().decision == Decision::waiting)
                trial.rungs.pop_back();
    }

    // From the lowest rung up, as what is decided on one says who may still come to the next.
    std::vector<Verdict> judge() {
        std::size_t places = trials_.size(), to_be_promoted = 0;
        for (std::size_t rung = 0; rung < rungs_; ++rung) {
            const Here here{rung, ranked(rung), on_the_way(rung) + to_be_promoted};
            places = wait_ ? std::max(places, here.trials.size()) : here.trials.size();
            to_be_promoted = judge(here, places);
            places = at_least_one(places);
        }
        return std::move(verdicts_);
    }

private:
    struct Here {
        std::size_t rung;
        std::vector<Standing*> trials;  // that have come, best first
        std::size_t to_come;            // at most

        std::size_t count(Decision decision) const {
            return static_cast<std::size_t>(std::ranges::count(
                trials, decision, [this](const Standing* trial) { return trial->rungs[rung].decision; }));
        }
    };

    std::size_t at_least_one(std::size_t places) const { return std::max<std::size_t>(1, places / reduction_); }

    std::vector<Standing*> ranked(std::size_t rung) {
        std::vector<Standing*> there;
        for (Standing& trial : trials_)
            if (trial.rungs.size() > rung) there.push_back(&trial);
        std::ranges::sort(there, {}, [&](const Standing* trial) {
            const double bad = badness(trial->rungs[rung].value, goal_);
            return std::tuple(std::isnan(bad), std::isnan(bad) ? 0 : bad, trial->trial);
        });
        return there;
    }

    // Those that come to this rung unless they fail.
    std::size_t on_the_way(std::size_t rung) const {
        return static_cast<std::size_t>(std::ranges::count_if(trials_, [&](const Standing& trial) {
            return trial.rungs.size() == rung && !is_over(trial) &&
                   (rung == 0 || trial.rungs.back().decision != Decision::waiting);
        }));
    }

    // Returns how many may still be promoted from here, at most.
    std::size_t judge(const Here& here, std::size_t places) {
        const bool all_came = here.to_come == 0;
        const std::size_t best = wait_ || all_came ? at_least_one(places) : places / reduction_;
        // Each one still to come may take a place among the best.
        const std::size_t sure = wait_ ? best - std::min(best, here.to_come) : best;
        for (std::size_t place = 0; place < std::min(sure, here.trials.size()); ++place)
            decide(*here.trials[place], here.rung, Decision::promoted, {});
        const std::size_t go_on = here.count(Decision::promoted);
        for (std::size_t place = best; all_came && place < here.trials.size(); ++place)
            decide(*here.trials[place], here.rung, Decision::pruned,
                   fmt::format("{} of {} at step {} by {}, of which {} {} on", ordinal(place + 1), places,
                               here.trials[place]->rungs[here.rung].step, metric_, go_on, go_on == 1 ? "goes" : "go"));
        const std::size_t may = here.count(Decision::waiting) + here.to_come;
        return wait_ ? std::min(may, best - std::min(best, go_on)) : may;
    }

    void decide(Standing& trial, std::size_t number, Decision decision, std::string reason) {
        store::Rung& rung = trial.rungs[number];
        if (rung.decision != Decision::waiting) return;
        rung.decision = decision;
        trial.status = decision == Decision::promoted ? store::Status::queued : store::Status::pruned;
        verdicts_.push_back({trial.trial, rung.number, rung.step, decision == Decision::promoted, std::move(reason)});
    }

    std::vector<Standing> trials_;
    const bool wait_;
    const std::size_t reduction_;
    const std::string metric_;
    const Goal goal_;
    const std::size_t rungs_;
    std::vector<Verdict> verdicts_;
};

bool waits(const Standing& trial) {
    return trial.status == store::Status::paused && !trial.rungs.empty() &&
           trial.rungs.back().decision == Decision::waiting;
}

}  // namespace

bool is_compared(const Standing& trial, const std::vector<std::int64_t>& rungs) {
    if (rungs.empty() || trial.rungs.size() > rungs.size()) return false;
    if (trial.rungs.empty()) return !trial.trained && trial.checkpoint_step <= rungs.front();
    return std::ranges::equal(trial.rungs, std::span(rungs).first(trial.rungs.size()), {}, &store::Rung::step);
}

std::int64_t next_rung(const Standing& trial, const std::vector<std::int64_t>& rungs) {
    return is_compared(trial, rungs) && trial.rungs.size() < rungs.size() ? rungs[trial.rungs.size()] : 0;
}

std::vector<Verdict> asha_verdicts(std::vector<Standing> trials, const StopSettings& stop,
                                   const std::vector<std::int64_t>& rungs) {
    std::vector<Verdict> freed;
    std::erase_if(trials, [&](const Standing& trial) {
        if (is_compared(trial, rungs)) return false;
        if (waits(trial)) freed.push_back({trial.trial, trial.rungs.back().number, trial.rungs.back().step, true, {}});
        return true;
    });
    std::vector<Verdict> verdicts = Ladder(std::move(trials), stop, rungs.size()).judge();
    verdicts.insert(verdicts.begin(), freed.begin(), freed.end());
    return verdicts;
}

}  // namespace marginalia
