// Training steps as the worker runs them.
#pragma once

#include <vector>

#include "kernel/worker/model/trial_parts.h"
#include "tests/worker/trial_fixture.h"

namespace marginalia {

// Seconds of each step of a trial that logs every step, but the first two, which warm up.
inline std::vector<double> step_seconds(const TrialRequest& request) {
    MemoryRecorder recorder;
    run_trial(request, shipped_plugins(), recorder);
    std::vector<double> taken;
    for (const auto& [key, value] : recorder.metrics)
        if (key.first == "step_seconds" && key.second > 2) taken.push_back(value);
    return taken;
}

}  // namespace marginalia
