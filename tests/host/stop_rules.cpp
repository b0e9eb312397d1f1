// Which trials a stopping rule lets go on, for given values.
#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <random>
#include <set>

#include "kernel/host/run/stop_rules.h"

namespace stop_rules {

using namespace marginalia;
using store::Decision;
using store::Standing;
using store::Status;

namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();

StopSettings asha(bool wait = true, std::int64_t reduction = 3) {
    StopSettings stop;
    stop.rule = "asha";
    stop.metric = "kl";
    stop.least_steps = 10;
    stop.reduction = reduction;
    stop.wait = wait;
    return stop;
}

// A sweep whose trials 1, 2, ... have these values at every rung, and what the rule makes of them step by step.
class Sweep {
public:
    Sweep(std::vector<double> values, StopSettings stop, std::int64_t steps)
        : values_(std::move(values)), stop_(std::move(stop)), rungs_(rung_steps(stop_, steps)) {
        for (std::size_t i = 0; i < values_.size(); ++i)
            trials.push_back({static_cast<store::TrialId>(i + 1), Status::queued, false, -1, {}});
    }

    Standing& of(store::TrialId trial) { return trials[static_cast<std::size_t>(trial - 1)]; }

    // The trial comes to its next rung, or to its end.
    void come(store::TrialId trial) {
        Standing& one = of(trial);
        const std::int64_t step = next_rung(one, rungs_);
        if (step == 0) {
            one.status = Status::done;
            one.trained = true;
            return;
        }
        one.status = Status::paused;
        one.checkpoint_step = step;
        one.rungs.push_back({std::ssize(one.rungs), step, values_[static_cast<std::size_t>(trial - 1)]});
        judge();
    }

    void fail(store::TrialId trial) {
        of(trial).status = Status::failed;
        judge();
    }

    void judge() {
        for (const Verdict& verdict : asha_verdicts(trials, stop_, rungs_)) {
            Standing& one = of(verdict.trial);
            REQUIRE(one.rungs.back().number == verdict.number);
            REQUIRE(one.rungs.back().decision == Decision::waiting);
            one.rungs.back().decision = verdict.promoted ? Decision::promoted : Decision::pruned;
            one.status = verdict.promoted ? Status::queued : Status::pruned;
            reasons[verdict.trial] = verdict.reason;
        }
    }

    // Trials that could run, in this order of preference; until none is left.
    void run_all(std::mt19937& order) {
        for (;;) {
            std::vector<store::TrialId> ready;
            for (const Standing& trial : trials)
                if (trial.status == Status::queued) ready.push_back(trial.trial);
            if (ready.empty()) return;
            come(ready[std::uniform_int_distribution<std::size_t>(0, ready.size() - 1)(order)]);
        }
    }

    std::set<store::TrialId> with(Status status) const {
        std::set<store::TrialId> found;
        for (const Standing& trial : trials)
            if (trial.status == status) found.insert(trial.trial);
        return found;
    }

    std::vector<Standing> trials;
    std::map<store::TrialId, std::string> reasons;

private:
    std::vector<double> values_;
    StopSettings stop_;
    std::vector<std::int64_t> rungs_;
};

using Ids = std::set<store::TrialId>;

}  // namespace

TEST_CASE("rungs are powers of the reduction below the last step") {
    using Steps = std::vector<std::int64_t>;
    CHECK(rung_steps(asha(), 91) == Steps{10, 30, 90});
    CHECK(rung_steps(asha(), 90) == Steps{10, 30});
    CHECK(rung_steps(asha(), 10) == Steps{});
    CHECK(rung_steps({}, 90) == Steps{});
    CHECK(rung_steps(asha(), std::numeric_limits<std::int64_t>::max()).size() == 38);  // log_3(2^63 / 10) = 37.7
}

TEST_CASE("of nine trials the best three go on, then the best one") {
    Sweep sweep({0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1}, asha(), 90);
    for (store::TrialId trial = 1; trial <= 6; ++trial) sweep.come(trial);
    CHECK(sweep.with(Status::paused).size() == 6);  // three better ones may still come
    sweep.come(7);
    CHECK(sweep.of(7).rungs[0].decision ==
          Decision::promoted);  // only two may: nothing can put 7 out of the best three
    CHECK(sweep.of(6).rungs[0].decision == Decision::waiting);
    sweep.come(9);
    CHECK(sweep.of(9).rungs[0].decision == Decision::promoted);
    CHECK(sweep.of(6).rungs[0].decision == Decision::waiting);  // 8 may be better
    sweep.come(9);
    CHECK(sweep.of(9).rungs[1].decision == Decision::waiting);
    sweep.come(8);
    CHECK(sweep.with(Status::pruned) == Ids{1, 2, 3, 4, 5, 6});
    CHECK(sweep.reasons[6] == "4th of 9 at step 10 by kl, of which 3 go on");
    sweep.come(7);
    sweep.come(8);
    CHECK(sweep.with(Status::pruned) == Ids{1, 2, 3, 4, 5, 6, 7, 8});
    CHECK(sweep.reasons[8] == "2nd of 3 at step 30 by kl, of which 1 goes on");
    sweep.come(9);
    CHECK(sweep.with(Status::done) == Ids{9});
}

TEST_CASE("decisions that wait depend on no order, and keep the best of each rung") {
    std::vector<double> values(81);
    std::iota(values.begin(), values.end(), 0);
    std::mt19937 chance(1);
    std::ranges::shuffle(values, chance);
    std::map<store::TrialId, std::string> first;
    for (int round = 0; round < 20; ++round) {
        Sweep sweep(values, asha(), 270);  // rungs at 10, 30, 90
        sweep.run_all(chance);
        CHECK(sweep.with(Status::done).size() == 3);
        CHECK(sweep.with(Status::pruned).size() == 78);
        for (const Standing& trial : sweep.trials) {
            const double value = values[static_cast<std::size_t>(trial.trial - 1)];
            CHECK(trial.rungs.size() == (value < 9 ? 3 : value < 27 ? 2 : 1));
            CHECK((trial.status == Status::done) == (value < 3));
        }
        if (round == 0) first = sweep.reasons;
        CHECK(sweep.reasons == first);
    }
}

TEST_CASE("high values are better where that is the goal, and equal ones go by the trial's number") {
    StopSettings stop = asha();
    stop.goal = "max";
    Sweep sweep({1, 2, 2, 2, 0, 0}, stop, 30);
    for (store::TrialId trial = 6; trial >= 1; --trial) sweep.come(trial);
    CHECK(sweep.with(Status::queued) == Ids{2, 3});
    stop = asha();
    stop.metric = "theta_gap_mean";  // nearest to 0
    Sweep gap({-0.5, 0.2, -0.1}, stop, 30);
    for (store::TrialId trial = 1; trial <= 3; ++trial) gap.come(trial);
    CHECK(gap.with(Status::queued) == Ids{3});
}

TEST_CASE("what is not a number is worst of those that have come, and infinity next to it") {
    Sweep sweep({nan, inf, 5}, asha(true, 2), 20);
    for (store::TrialId trial = 1; trial <= 3; ++trial) sweep.come(trial);
    CHECK(sweep.with(Status::queued) == Ids{3});
    CHECK(sweep.reasons[2] == "2nd of 3 at step 10 by kl, of which 1 goes on");
    CHECK(sweep.reasons[1] == "3rd of 3 at step 10 by kl, of which 1 goes on");
}

TEST_CASE("a failed trial counts as worst: those that wait for it go on") {
    Sweep sweep({6, 5, 4, 3, 2, 1}, asha(), 30);
    for (store::TrialId trial : {1, 2, 3, 4}) sweep.come(trial);
    CHECK(sweep.with(Status::queued) == Ids{5, 6});
    sweep.fail(5);
    CHECK(sweep.with(Status::queued) == Ids{4, 6});
    sweep.fail(6);
    CHECK(sweep.with(Status::queued) == Ids{3, 4});
    CHECK(sweep.with(Status::pruned) == Ids{1, 2});
    CHECK(sweep.reasons[2] == "3rd of 6 at step 10 by kl, of which 2 go on");
    SUBCASE("and where too few are left, all of these go on, and the next rung waits for no others") {
        Sweep few({1, 2, 3, 4, 5, 6, 7, 8, 9}, asha(), 90);
        for (store::TrialId trial = 1; trial <= 7; ++trial) few.fail(trial);
        few.come(8);
        few.come(9);
        CHECK(few.with(Status::queued) == Ids{8, 9});
        few.come(9);
        CHECK(few.with(Status::paused) == Ids{9});
        few.fail(8);
        CHECK(few.with(Status::queued) == Ids{9});
    }
}

TEST_CASE("one that was given up while it waited is as good as never there") {
    Sweep sweep({1, 2, 3}, asha(), 30);
    sweep.come(1);
    sweep.of(1).status = Status::cancelled;
    sweep.come(3);
    sweep.come(2);
    CHECK(sweep.with(Status::queued) == Ids{2});
    CHECK(sweep.with(Status::cancelled) == Ids{1});
}

TEST_CASE("without waiting a trial goes on as soon as it is among the best third of those that have come") {
    Sweep sweep({5, 4, 6, 1, 2, 3}, asha(false), 30);
    sweep.come(1);
    sweep.come(2);
    CHECK(sweep.with(Status::paused) == Ids{1, 2});
    sweep.come(3);
    CHECK(sweep.of(2).rungs[0].decision == Decision::promoted);  // best of three
    sweep.come(4);
    sweep.come(5);
    CHECK(sweep.of(4).rungs[0].decision == Decision::promoted);
    CHECK(sweep.with(Status::paused) == Ids{1, 3, 5});
    sweep.come(6);
    CHECK(sweep.of(5).rungs[0].decision == Decision::promoted);  // second of six
    CHECK(sweep.with(Status::pruned) == Ids{1, 3, 6});
    CHECK(sweep.reasons[6] == "3rd of 6 at step 10 by kl, of which 3 go on");
}

TEST_CASE("without waiting, too, the best one of a rung goes on once all have come") {
    Sweep sweep({2, 1}, asha(false), 30);
    sweep.come(1);
    sweep.come(2);
    CHECK(sweep.with(Status::queued) == Ids{2});
    CHECK(sweep.with(Status::pruned) == Ids{1});
    std::mt19937 chance(2);
    for (int round = 0; round < 20; ++round) {
        std::vector<double> values(27);
        std::iota(values.begin(), values.end(), 0);
        std::ranges::shuffle(values, chance);
        Sweep all(values, asha(false), 90);
        all.run_all(chance);
        CHECK(all.with(Status::done).size() >= 3);  // 27 -> at least 9 -> at least 3
        CHECK(all.with(Status::paused).empty());
        CHECK(all.with(Status::done).contains(1 + (std::ranges::find(values, 0) - values.begin())));
    }
}

TEST_CASE("trials of before the rule are left alone, and those that wait by another rule go on") {
    const std::vector<std::int64_t> rungs = rung_steps(asha(), 90);
    Standing trial{1, Status::preempted, false, 10, {}};
    CHECK(next_rung(trial, rungs) == 10);
    trial.checkpoint_step = 11;
    CHECK(next_rung(trial, rungs) == 0);
    trial.rungs = {{0, 10, 0.5, Decision::promoted, {}}};
    CHECK(next_rung(trial, rungs) == 30);
    CHECK(next_rung(trial, {20, 60}) == 0);
    CHECK(next_rung(trial, {}) == 0);
    const Standing waits{2, Status::paused, false, 10, {{0, 10, 0.5, Decision::waiting, {}}}};
    for (const StopSettings& other : {StopSettings{}, asha(true, 2)}) {
        const auto freed = asha_verdicts(
            {waits}, other, other.is_asha() ? std::vector<std::int64_t>{5, 10} : std::vector<std::int64_t>{});
        REQUIRE(freed.size() == 1);
        CHECK(freed[0].promoted);
    }
}

TEST_CASE("a trial worse than the median of finished ones is over") {
    StopSettings stop;
    stop.rule = "median";
    stop.metric = "kl";
    stop.least_steps = 20;
    stop.least_trials = 3;
    MedianRule rule(stop);
    // Averages up to step 20: 3, 4 and 5; up to step 30: 2, 4 and 6.
    rule.begin(1, {{10, 4, 0}, {20, 2, 0}, {30, 0, 0}});
    rule.begin(2, {{10, 4, 0}, {20, 4, 0}, {30, 4, 0}});
    rule.begin(3, {{10, 5, 0}, {20, 5, 0}, {30, 8, 0}});
    rule.begin(4, {});
    rule.complete(1);
    rule.complete(2);
    CHECK_FALSE(rule.see(4, 20, 99));  // two are not enough
    rule.complete(3);
    rule.begin(4, {});
    CHECK_FALSE(rule.see(4, 10, 99));  // too early
    CHECK_FALSE(rule.see(4, 20, 4));   // as good as the median
    CHECK_FALSE(rule.see(4, 30, 99));  // its best is 4, the median 4
    rule.begin(5, {{10, 4.5, 0}});
    CHECK(*rule.see(5, 20, 7) ==
          "its best kl up to step 20 is 4.5, worse than 4, the median of the averages of 3 finished trials");
    rule.begin(6, {});
    CHECK(*rule.see(6, 20, nan) ==
          "its best kl up to step 20 is not a number, worse than 4, the median of the averages of 3 finished trials");
    rule.begin(7, {{10, 1, 0}, {20, 1, 0}, {30, 1, 0}});
    rule.complete(7);  // averages up to 20: 1, 3, 4, 5
    rule.begin(8, {});
    CHECK(rule.see(8, 20, 3.6));
    CHECK_FALSE(rule.see(8, 20, 3.5));
}

TEST_CASE("a running average of any length is exact where it is kept, and takes little room") {
    RunningAverage average;
    CHECK_FALSE(average.up_to(5));
    for (std::int64_t step = 1; step <= 100'000; ++step) average.add(step, static_cast<double>(step));
    CHECK(*average.up_to(1) == 1);
    // Of the steps up to s the average is (s + 1) / 2; of 512 places at most one is at most 1/128 of all before s.
    for (const std::int64_t step : {10'000, 50'000, 100'000})
        CHECK(*average.up_to(step) == doctest::Approx((static_cast<double>(step) + 1) / 2).epsilon(0.08));
    average.add(100'001, inf);
    for (std::int64_t step = 100'002; step < 102'000; ++step) average.add(step, 0);
    CHECK_FALSE(average.up_to(102'000));
}

TEST_CASE("a rule is put in words") {
    CHECK(stop_words({}, {81}, 90).empty());
    CHECK(stop_words(asha(), {81}, 90) ==
          "asha by kl (lower is better): at steps 10, 30 of 90 the best 27, 9 of 81 go on");
    StopSettings stop;
    stop.rule = "median";
    stop.metric = "ess";
    stop.least_steps = 20;
    stop.plateau = 30;
    stop.time_budget = 90;
    CHECK(stop_words(stop, {81}, 90) ==
          "median by ess (higher is better): from step 20 on, once 5 trials are trained; a training ends once ess has "
          "not "
          "improved for 30 steps; the run ends after 1 min 30 s");
    CHECK(
        stop_words(asha(), {9, 9}, 90) ==
        "asha by kl (lower is better), among the trials of each of 2 energies or data sets: at steps 10, 30 of 90 the "
        "best 3, 1 of 9 go on");
    CHECK(stop_words(asha(), {9, 3}, 90).ends_with("at steps 10, 30 of 90 one of 3 goes on"));
    CHECK(ordinal(1) == "1st");
    CHECK(ordinal(12) == "12th");
    CHECK(ordinal(22) == "22nd");
    CHECK(ordinal(113) == "113th");
}

}  // namespace stop_rules
