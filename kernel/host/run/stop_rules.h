// Which trials go on and which are over early: pure functions of how far trials have come.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kernel/spec/experiment.h"
#include "store/queries.h"
#include "store/rungs.h"

namespace marginalia {

// What becomes of a trial that waits at a rung.
struct Verdict {
    store::TrialId trial = 0;
    std::int64_t number = 0, step = 0;  // of the rung
    bool promoted = false;              // else it is over, for the reason given
    std::string reason;                 // "10th of 27 at step 200 by kl, of which 9 go on"
};

// Whether the sweep compares this trial with others at rungs: not one that was trained, or trained further than the
// first rung, before the sweep had this rule.
bool is_compared(const store::Standing& trial, const std::vector<std::int64_t>& rungs);
// The step of the rung that the trial comes to next; 0: none.
std::int64_t next_rung(const store::Standing& trial, const std::vector<std::int64_t>& rungs);

// Successive halving without rounds: ASHA (Li et al., arXiv:1810.05934). `trials` are all of the sweep, `rungs` the
// steps at which they are compared.
//
// stop.wait: of n trials the best n / reduction (rounded down, at least one) go on to the next rung, n being those of
// the whole sweep at the first rung and those that go on at each later one. A trial is promoted once no trial that is
// still to come can put it out of these, and pruned once all have come, so that neither their order nor kills change
// anything. Otherwise it is promoted as soon as it is one of the best n / reduction of the n that have come so far,
// which is what is published; those that never are get pruned once all have come, but for the best one where that rung
// has promoted none.
//
// The lowest badness() is best; then what is not a number; of equals the trial of the lower number. A trial that has
// failed or was given up counts as worse than all that have come, and comes no more. One that waits and is not
// compared, as where the rule has been changed, is promoted.
std::vector<Verdict> asha_verdicts(std::vector<store::Standing> trials, const StopSettings& stop,
                                   const std::vector<std::int64_t>& rungs);

// The running averages of a curve, thinned so that it takes little room however long it is.
class RunningAverage {
public:
    void add(std::int64_t step, double value);
    // Of all values up to this step; nullopt: there was none, or one that was not finite.
    std::optional<double> up_to(std::int64_t step) const;

private:
    struct Point {
        std::int64_t step;
        double average;
    };
    std::vector<Point> points_;
    std::size_t stride_ = 1, count_ = 0;
    double sum_ = 0;
};

// The median stopping rule (Golovin et al., Google Vizier, KDD 2017): a trial is over at step s if its best value so
// far is worse than the median of the running averages up to s of the trials whose training is over. One thread.
class MedianRule {
public:
    explicit MedianRule(StopSettings stop) : stop_(std::move(stop)), goal_(stop_.direction()) {}

    // The trial begins, or begins again, with these points of the metric.
    void begin(store::TrialId trial, const std::vector<store::CurvePoint>& points);
    // One more point. Why the trial is over; nullopt: it is not.
    std::optional<std::string> see(store::TrialId trial, std::int64_t step, double value);
    // Its training is over: from now on others are compared with it.
    void complete(store::TrialId trial);

private:
    struct Curve {
        RunningAverage average;
        std::optional<double> best;
        bool complete = false;
    };
    void add(Curve&, std::int64_t step, double value) const;

    const StopSettings stop_;
    const Goal goal_;
    std::map<store::TrialId, Curve> curves_;
};

// "1st", "22nd", "13th"
std::string ordinal(std::size_t number);

// Of the trials of an experiment, which a rule that compares at rungs takes to be the same for all.
std::int64_t steps_of(const Experiment& experiment);

// One line on what the rule of a sweep does, of so many trials of each energy or data set; empty: there is none.
std::string stop_words(const StopSettings& stop, const std::vector<std::size_t>& trials, std::int64_t steps);

}  // namespace marginalia
