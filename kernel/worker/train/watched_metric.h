// The metric that [stop] names, as a training records it.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include <marginalia/state_dict.h>

#include "kernel/spec/stop_settings.h"
#include "kernel/wire/recorder.h"

namespace marginalia {

// Passes metrics on to the recorder and follows the one that is watched: whether it is there where the trial is to be
// compared with others, and whether it has stopped improving, by its own curve alone. The state is part of the
// checkpoint, so that a resumed training ends at the step at which an unbroken one does.
class WatchedMetric {
public:
    WatchedMetric(const StopSettings& stop, Recorder& recorder);

    // Steps come in rising order. A value that is not finite is no improvement.
    void record(const std::string& name, std::int64_t step, double value);

    bool is_recorded_at(std::int64_t step) const { return seen_ == step; }
    void require_at(std::int64_t step) const;  // throws Error where it is not recorded there

    // It has not improved for as many steps as [stop] says; never where that says nothing.
    bool has_plateau() const { return plateau_; }
    std::string words() const;  // "loss has not improved for 200 steps: its best is 0.31, of step 400"

    StateDict state() const;
    void load(const StateDict& state);

private:
    const StopSettings& stop_;
    Recorder& recorder_;
    std::set<std::string> names_;  // of all that was recorded
    std::int64_t seen_ = -1;       // the step of the last value
    double best_ = 0;              // that of the last improvement
    std::int64_t best_step_ = -1;  // -1: there is none yet
    bool plateau_ = false;
};

}  // namespace marginalia
