// Normal numbers, and sums of exponentials.
#pragma once

#include <algorithm>
#include <cmath>
#include <numbers>
#include <span>

#include <marginalia/random.h>

namespace real_targets {

// Of mean 0 and variance 1 (G. E. P. Box, M. E. Muller, A note on the generation of random normal deviates, Ann. Math.
// Stat. 29, 610, 1958).
inline double normal(marginalia::FastRandom& random) {
    const double radius = std::sqrt(-2 * std::log(1 - random.uniform()));
    return radius * std::cos(2 * std::numbers::pi * random.uniform());
}

// log of the sum of exp of the terms, of which there is one at least.
inline double log_sum_exp(std::span<const double> terms) {
    const double largest = *std::max_element(terms.begin(), terms.end());
    if (std::isinf(largest)) return largest;
    double sum = 0;
    for (const double term : terms) sum += std::exp(term - largest);
    return largest + std::log(sum);
}

}  // namespace real_targets
