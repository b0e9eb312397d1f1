// What a view of trials that is renewed again and again asks of a store: the order of all, and of those that are shown
// the rest. None of these functions writes; all throw StoreError (store/error.h).
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/queries.h"

namespace marginalia::store {

// activity: those that run, those that were stopped on their way, those that ended (the latest first), those that
// wait. Of the others the least first, but the most progress, the most seconds and the best metric. Those without a
// value come last.
enum class TrialOrder { activity, trial, metric, progress, left, seconds };

// The value of a metric that a trial stands for: its final one, else of its curve the best so far, or the last.
struct LiveMetric {
    enum class Of { lowest, highest, last };
    std::string name = {};
    Of of = Of::lowest;
};

struct LiveOrder {
    std::string experiment = {};  // empty: all
    TrialOrder order = TrialOrder::activity;
    bool reversed = false;
    LiveMetric metric = {};
};

// Whether greater values come before lesser ones.
bool is_descending(const LiveOrder& order);

// What a trial is chosen by; as long as the call.
struct TrialWords {
    std::string_view status, experiment, config, tags;
    std::int64_t seed = 0;
};

// All trials in this order, or those that are wanted.
std::vector<TrialId> ordered_trials(Store&, const LiveOrder& order,
                                    const std::function<bool(const TrialWords&)>& wanted = {});

struct LiveTrial {
    TrialId id = 0;
    std::string experiment;
    Status status = Status::queued;
    std::int64_t seed = 0;
    std::string config;  // JSON, with the tables of the evaluation that is shown
    std::string error, device, host;
    double seconds = 0;            // spent running, up to now
    double heartbeat = 0;          // when its host last wrote of it; NaN: never
    std::string phase;             // "training"; empty: not known
    std::int64_t done = 0;         // of the phase, in its own units
    std::int64_t total = 0;        // 0: not known
    double rate = 0;               // units a second; 0: not known
    std::int64_t checkpoint = -1;  // step of the newest; -1: none
    std::string asked;             // what somebody asks of its host, which has not done it yet; empty: nothing
    std::int64_t last_step = 0;    // of the metric's points
    bool has_value = false;        // of the metric
    double value = 0, last = 0;    // as LiveMetric says, and its last recorded one; NaN where it is none
};

// In the order of `trials`, without those that are not there.
std::vector<LiveTrial> live_trials(Store&, std::span<const TrialId> trials, const LiveMetric& metric);

struct TrialCount {
    std::string experiment;
    Status status = Status::queued;
    std::int64_t trials = 0;
    double seconds = 0;  // the mean of those spent running
};
std::vector<TrialCount> count_trials(Store&, std::string_view experiment);  // empty: of all

// Configs of the experiment, as JSON: all if there are at most so many, else so many spread evenly.
std::vector<std::string> some_configs(Store&, std::string_view experiment, std::size_t most);

// Metrics of which any of these trials has two points or more, by name.
std::vector<std::string> curve_names(Store&, std::span<const TrialId> trials);

}  // namespace marginalia::store
