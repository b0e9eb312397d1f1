// For objectives whose loss has no meaning where log f = -infinity.
#pragma once

#include <string>

#include <ATen/ATen.h>
#include <marginalia/error.h>
#include <marginalia/objective.h>

// The sentence that ends the trial where `count` of the states are impossible.
inline std::string about_impossible(double count, std::int64_t states) {
    if (count == 0) return {};
    return "log f is -infinity for " + std::to_string(static_cast<std::int64_t>(count)) + " of the " +
           std::to_string(states) +
           " states of the batch, which this objective cannot learn from; use mam-energy, which can, or an "
           "energy that is finite everywhere";
}

// log f of the states whose evaluation has begun. Where one of them is impossible it throws Error, or, where the host
// would have to wait for the device to know, 0 stands for it until the doubt about the step is read.
inline at::Tensor finite_log_f(marginalia::TrainingStep& step) {
    const at::Tensor log_f = step.energy->finish();
    const std::int64_t states = log_f.size(0);
    if (const auto impossible = step.energy->impossible()) {
        const std::string complaint = about_impossible(static_cast<double>(*impossible), states);
        if (!complaint.empty()) throw marginalia::Error(complaint);
        return log_f;
    }
    const at::Tensor impossible = log_f == -INFINITY;
    step.doubts.push_back({impossible.sum(), [states](double count) { return about_impossible(count, states); }});
    return log_f.masked_fill(impossible, 0);
}
