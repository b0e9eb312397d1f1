// Sums that are taken twice, by ways that round differently, and given only where the two agree.
#pragma once

#include <cmath>
#include <optional>

#include "factor-graph/dual.h"

namespace free_fermions {

constexpr double tolerance = 1e-8;  // of log Z

// nullopt also for what is not a number.
inline std::optional<double> agreed(double a, double b, double log_z) {
    return std::abs(a - b) <= tolerance * log_z ? std::optional(a) : std::nullopt;
}

// log Z - E[log f] of log Z with its derivative by a factor of all weights.
inline std::optional<double> agreed_entropy(factor_graph::Dual a, factor_graph::Dual b) {
    if (!agreed(a.value, b.value, a.value)) return std::nullopt;
    return agreed(a.value - a.slope, b.value - b.slope, a.value);
}

}  // namespace free_fermions
