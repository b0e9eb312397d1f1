#include "kernel/worker/train/watched_metric.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <cmath>

#include "kernel/spec/nearest.h"
#include "kernel/worker/checkpoint/checkpoint.h"

namespace marginalia {

WatchedMetric::WatchedMetric(const StopSettings& stop, Recorder& recorder) : stop_(stop), recorder_(recorder) {}

void WatchedMetric::record(const std::string& name, std::int64_t step, double value) {
    recorder_.metric(name, step, value);
    names_.insert(name);
    if (name != stop_.metric) return;
    seen_ = step;
    if (stop_.plateau == 0) return;
    const Goal goal = stop_.direction();
    const bool is_first = best_step_ < 0 && std::isfinite(value);
    if (is_first || badness(value, goal) < badness(best_, goal) - stop_.improvement) {
        best_ = value;
        best_step_ = step;
    }
    plateau_ = best_step_ >= 0 && step - best_step_ >= stop_.plateau;
}

void WatchedMetric::require_at(std::int64_t step) const {
    if (is_recorded_at(step)) return;
    throw Error(fmt::format("'stop.metric' = \"{}\" is not recorded at step {}, where trials are compared{}",
                            stop_.metric, step,
                            suggestion(stop_.metric, {names_.begin(), names_.end()}, "Recorded are")));
}

std::string WatchedMetric::words() const {
    return fmt::format("{} has not improved{} for {} steps: its best is {:.4g}, of step {}", stop_.metric,
                       stop_.improvement > 0 ? fmt::format(" by {:g}", stop_.improvement) : "", stop_.plateau, best_,
                       best_step_);
}

StateDict WatchedMetric::state() const {
    return {{"best", at::scalar_tensor(best_, at::kDouble)}, {"step", at::scalar_tensor(best_step_, at::kLong)}};
}

void WatchedMetric::load(const StateDict& saved) {
    check_state("plateau", state(), saved);
    best_ = saved.at("best").item<double>();
    best_step_ = saved.at("step").item<std::int64_t>();
}

}  // namespace marginalia
