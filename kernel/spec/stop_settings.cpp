#include "kernel/spec/stop_settings.h"

namespace marginalia {

Goal StopSettings::direction() const {
    if (goal == "min") return Goal::low;
    return goal == "max" ? Goal::high : metric_info(metric).goal;
}

std::vector<std::int64_t> rung_steps(const StopSettings& stop, std::int64_t steps) {
    std::vector<std::int64_t> rungs;
    if (!stop.is_asha() || stop.least_steps < 1) return rungs;
    for (std::int64_t step = stop.least_steps; step < steps; step *= stop.reduction) {
        rungs.push_back(step);
        if (step > steps / stop.reduction) break;
    }
    return rungs;
}

}  // namespace marginalia
