// A trial that is stopped and goes on, for tests that this changes nothing.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <vector>

#include "tests/worker/trial_fixture.h"

namespace marginalia {

// What it records in all its processes, one more than there are stops, without what is of the clock.
inline MemoryRecorder trained(TrialRequest request, const std::vector<std::int64_t>& stops) {
    MemoryRecorder recorder;
    for (const std::int64_t stop : stops) {
        recorder.stop_after = stop;
        CHECK(run_trial(request, shipped_plugins(), recorder) == TrialOutcome::stopped);
        request.checkpoint = recorder.checkpoints.back().second;
    }
    recorder.stop_after = -1;
    CHECK(run_trial(request, shipped_plugins(), recorder) == TrialOutcome::done);
    std::erase_if(recorder.metrics, [](const auto& metric) { return metric.first.first.ends_with("_seconds"); });
    return recorder;
}

}  // namespace marginalia
