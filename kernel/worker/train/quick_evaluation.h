// The evaluations during a training: a few states of the model as it is, or some rows of validation data, by the
// averaged weights. They draw from streams of the trial's seed that training does not use, so that how often a trial is
// evaluated does not change what it learns.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "kernel/worker/evaluate/evaluation.h"
#include "kernel/worker/model/trial_parts.h"
#include "kernel/worker/train/optimizer.h"
#include "kernel/worker/train/watched_metric.h"

namespace marginalia {

// Seconds from the wish to stop to the end of the process, where a trial is in code that does not ask and all that it
// has learnt is saved.
inline constexpr double patience_when_saved = 1;

// Of one trial, whose objects it refers to. Not for several threads.
class QuickEvaluation {
public:
    QuickEvaluation(const TrialRequest& request, TrialParts& parts, Optimizer& optimizer, WatchedMetric& watched,
                    Recorder& recorder)
        : request_(request), evaluation_(request.settings.evaluation), parts_(parts), optimizer_(optimizer),
          watched_(watched), recorder_(recorder) {}

    // Finds the exact log Z of each member, with which figures are compared. It may take long, and nothing is lost
    // where it is broken off. False if asked to stop.
    bool find_log_z();

    // Every evaluation.every steps; and at the step where the trial is to stop, if the training has not recorded there
    // what is looked at.
    bool is_due(std::int64_t step) const;

    // Records the figures, of a family each member's and their means. False if asked to stop; nothing has been recorded
    // then. Errors are those of the plugins.
    bool run(std::int64_t step, bool bfloat16);

private:
    Figures figures(std::int64_t step, bool bfloat16);  // of the member at hand
    void record_all(std::int64_t step, bool bfloat16);

    const TrialRequest& request_;
    const EvaluationSettings& evaluation_;
    TrialParts& parts_;
    Optimizer& optimizer_;
    WatchedMetric& watched_;
    Recorder& recorder_;
    std::vector<std::optional<double>> log_z_;  // by member; empty: not looked for
};

}  // namespace marginalia
