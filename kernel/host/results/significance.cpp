#include "kernel/host/results/significance.h"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <numeric>

namespace marginalia {
namespace {

std::vector<double> finite_values(const BySeed& figures) {
    std::vector<double> values;
    for (const auto& [seed, value] : figures)
        if (std::isfinite(value)) values.push_back(value);
    return values;
}

void add_test(MeanDifference& made, double error, double degrees) {
    made.error = error;
    made.degrees = degrees;
    // Equal to the last digit over all seeds: no error, and t is 0 or infinite.
    made.t = made.difference == 0 ? 0 : made.difference / error;
    made.p = 2 * cdf(complement(boost::math::students_t(degrees), std::abs(*made.t)));
}

MeanDifference paired_difference(const std::vector<double>& first, const std::vector<double>& second) {
    std::vector<double> differences;
    for (std::size_t i = 0; i < first.size(); ++i) differences.push_back(second[i] - first[i]);
    const Estimate mean = *estimate(differences);
    MeanDifference made{true, *estimate(first), *estimate(second), mean.mean, {}, {}, {}, {}};
    add_test(made, *mean.standard_error, static_cast<double>(mean.count - 1));
    return made;
}

}  // namespace

std::optional<MeanDifference> mean_difference(const BySeed& first, const BySeed& second) {
    std::vector<double> of_first, of_second;
    for (const auto& [seed, value] : first)
        if (const auto other = second.find(seed);
            other != second.end() && std::isfinite(value) && std::isfinite(other->second)) {
            of_first.push_back(value);
            of_second.push_back(other->second);
        }
    if (of_first.size() > 1) return paired_difference(of_first, of_second);
    const std::optional<Estimate> a = estimate(finite_values(first)), b = estimate(finite_values(second));
    if (!a || !b) return std::nullopt;
    MeanDifference made{false, *a, *b, b->mean - a->mean, {}, {}, {}, {}};
    if (!a->standard_error || !b->standard_error) return made;
    const double of_a = *a->standard_error * *a->standard_error, of_b = *b->standard_error * *b->standard_error;
    const double degrees =
        of_a + of_b == 0
            ? static_cast<double>(a->count + b->count - 2)
            : (of_a + of_b) * (of_a + of_b) /
                  (of_a * of_a / static_cast<double>(a->count - 1) + of_b * of_b / static_cast<double>(b->count - 1));
    add_test(made, std::sqrt(of_a + of_b), degrees);
    return made;
}

std::vector<double> holm(const std::vector<double>& p) {
    std::vector<std::size_t> order(p.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return p[a] < p[b]; });
    std::vector<double> corrected(p.size());
    double least = 0;
    for (std::size_t rank = 0; rank < order.size(); ++rank) {
        least = std::max(least, std::min(1.0, static_cast<double>(p.size() - rank) * p[order[rank]]));
        corrected[order[rank]] = least;
    }
    return corrected;
}

}  // namespace marginalia
