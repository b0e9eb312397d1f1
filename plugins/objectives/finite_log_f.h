// For objectives whose loss has no meaning where log f = -infinity.
#pragma once

#include <string>

#include <ATen/ATen.h>
#include <marginalia/error.h>
#include <marginalia/objective.h>

// log f of the states whose evaluation has begun; throws Error where one of them is impossible.
inline at::Tensor finite_log_f(marginalia::BatchEnergy& energy) {
    const at::Tensor log_f = energy.finish();
    if (energy.impossible() > 0)
        throw marginalia::Error(
            "log f is -infinity for " + std::to_string(energy.impossible()) + " of the " +
            std::to_string(log_f.size(0)) +
            " states of the batch, which this objective cannot learn from; use mam-energy, which can, or an "
            "energy that is finite everywhere");
    return log_f;
}
