// The stages of an evaluation, of which none is done twice.
#pragma once

#include <chrono>
#include <functional>

#include "kernel/worker/checkpoint/checkpoint.h"
#include "kernel/worker/evaluate/evaluation.h"

namespace marginalia {

// Remembers which stages are done and what later ones need of them, the evaluation's checkpoint, and records that after
// stages that took a while. Figures that a stage recorded are in the store before it counts as done.
//
// Threads: the trial's own.
class Stages {
public:
    // Goes on where request.start_from says that an earlier process stopped. Throws Error where that does not fit.
    Stages(const TrialRequest& request, const Domain& domain, Recorder& recorder, std::int64_t step);

    // From here on stages, and what they keep, are those of this member of a family; "": of a single energy.
    void begin_member(const std::string& label) { scope_ = label.empty() ? "" : label + ": "; }

    // Runs `work` unless this stage has been done. What `work` throws passes through: the stage is not done then.
    void once(const std::string& stage, const std::function<void()>& work);

    // What stages keep for later ones; undefined where none did. States travel as bytes
    // where all sites have the same number of symbols.
    void keep_states(const std::string& name, const at::Tensor& x);
    at::Tensor states(const std::string& name) const;  // (M, D) int64 on the CPU
    void keep_numbers(const std::string& name, const std::vector<double>& values);
    std::vector<double> numbers(const std::string& name) const;            // empty: not kept
    std::int64_t count(const std::string& name, std::int64_t most) const;  // a single one, from 0 to `most`; else Error

    // Final figures of the member, as far as they are kept.
    void keep_figures(const Figures& figures);
    Figures figures() const;

private:
    using Clock = std::chrono::steady_clock;
    void check(const Domain& domain) const;
    [[noreturn]] static void refuse(const std::string& fault);

    Recorder& recorder_;
    const std::int64_t step_;
    const double pause_;  // s between two records
    const bool mixed_;    // sites differ, so that states are no bytes
    Clock::time_point recorded_ = Clock::now();
    CheckpointState state_;
    std::string scope_;
};

}  // namespace marginalia
