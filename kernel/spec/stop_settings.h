// The table [stop] of an experiment file: which trials are ended before their last step, and when a sweep ends. Like
// [run] it is no part of a trial's identity and cannot be swept.
#pragma once

#include "kernel/spec/metrics.h"
#include "kernel/spec/settings.h"

namespace marginalia {

struct StopSettings {
    std::string rule = "none", metric, goal = "auto";
    std::int64_t least_steps = 0, reduction = 3;
    bool wait = true;
    std::int64_t least_trials = 5, plateau = 0;
    double improvement = 0;
    std::string nan = "fail";
    double time_budget = 0;
    std::int64_t trial_budget = 0;
    bool operator==(const StopSettings&) const = default;

    bool is_asha() const { return rule == "asha"; }
    bool is_median() const { return rule == "median"; }
    // Which values of the metric are better: as `goal` says, else as it is known of the metric.
    Goal direction() const;
};

inline constexpr Field<StopSettings> stop_fields[] = {
    {"rule", &StopSettings::rule, one_of("none|median|asha"), "",
     "asha: at each rung the best part goes on; median: a trial worse than the median of the finished ones ends"},
    {"metric", &StopSettings::metric, anything, "",
     "what trials are compared by: a metric that the training or a quick evaluation records"},
    {"goal", &StopSettings::goal, one_of("auto|min|max"), "",
     "whether low or high values of it are better; auto: as is known of the metric"},
    {"least_steps", &StopSettings::least_steps, at_least(0), "steps",
     "no trial is stopped before; asha: the first rung"},
    {"reduction", &StopSettings::reduction, between(2, 1000), "",
     "asha: one of so many goes on, and each rung has so many times the steps of the one before"},
    {"wait", &StopSettings::wait, anything, "",
     "asha: decide only what no trial that is still to come can change; false: decide by those that have come"},
    {"least_trials", &StopSettings::least_trials, between(1, 1e6), "trials",
     "median: trials whose training must be over before any is stopped"},
    {"plateau", &StopSettings::plateau, at_least(0), "steps",
     "a training is over once the metric has not improved for so many; 0: never"},
    {"improvement", &StopSettings::improvement, at_least(0), "",
     "plateau: by how much the metric must improve to count"},
    {"nan", &StopSettings::nan, one_of("fail|retry"), "",
     "where a loss or gradient is not finite; retry: once from the last checkpoint with a tenth of the learning rate"},
    {"time_budget", &StopSettings::time_budget, at_least(0), "s",
     "a run ends after so long, its trials having written a checkpoint; 0: when all is done"},
    {"trial_budget", &StopSettings::trial_budget, at_least(0), "trials",
     "only the first so many trials of the sweep are run; 0: all"},
};

const std::vector<ParameterSpec>& stop_parameters();
void to_json(nlohmann::json&, const StopSettings&);
void from_json(const nlohmann::json&, StopSettings&);

// The rungs of an asha sweep: least_steps times powers of `reduction`, those below `steps`; none by another rule.
std::vector<std::int64_t> rung_steps(const StopSettings&, std::int64_t steps);

}  // namespace marginalia
