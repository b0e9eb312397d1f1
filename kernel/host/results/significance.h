// Whether two configurations differ in a figure, over their seeds: Student's t-tests.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "kernel/host/results/results.h"

namespace marginalia {

// A figure of one configuration's seeds.
using BySeed = std::map<std::int64_t, double>;

// The second mean less the first, by one of two tests:
//   paired   over the n >= 2 seeds that both have, as d_i = b_i - a_i: difference = mean(d), error = s_d / sqrt(n),
//            n - 1 degrees of freedom. What a seed does to both cancels
//   Welch's  over all values, where fewer than two seeds are common: error^2 = s_a^2 / n_a + s_b^2 / n_b, degrees of
//            freedom error^4 / ((s_a^2 / n_a)^2 / (n_a - 1) + (s_b^2 / n_b)^2 / (n_b - 1))
// t = difference / error, and p is the probability of a |t| at least so large where the two do not differ.
struct MeanDifference {
    bool paired = false;
    Estimate first, second;  // over the values that entered
    double difference = 0;
    // nullopt: one of them has a single value, so nothing can be said.
    std::optional<double> error, degrees, t, p;
};

// Values that are not finite are left out. nullopt: one of the two has no finite value.
std::optional<MeanDifference> mean_difference(const BySeed& first, const BySeed& second);

// Holm's correction: p-values so enlarged that the probability of any of them being below a level by chance is at most
// that level. In the order given.
std::vector<double> holm(const std::vector<double>& p);

}  // namespace marginalia
