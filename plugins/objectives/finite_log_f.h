// For objectives whose loss has no meaning where log f = -infinity.
#pragma once

#include <string>

#include <ATen/ATen.h>
#include <marginalia/error.h>

// log f as it is; throws Error where a state is impossible.
inline const at::Tensor& finite_log_f(const at::Tensor& log_f) {
    const auto impossible = (log_f == -INFINITY).sum().item<std::int64_t>();
    if (impossible > 0)
        throw marginalia::Error(
            "log f is -infinity for " + std::to_string(impossible) + " of the " + std::to_string(log_f.size(0)) +
            " states of the batch, which this objective cannot learn from; use mam-energy, which can, or an "
            "energy that is finite everywhere");
    return log_f;
}
