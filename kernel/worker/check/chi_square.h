// Is a histogram drawn from a known distribution? Pearson's chi-square test.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace marginalia {

struct ChiSquare {
    double statistic = 0;
    std::int64_t freedom = 0;  // cells - 1, cells of fewer than 5 expected counts being pooled
    double p = 1;              // probability of a statistic at least as large

    // Five standard deviations of a normal variable, both sides.
    bool plausible() const { return p > 5.7e-7; }
    std::string text() const;  // "chi-square 81.2 on 80 degrees of freedom, p = 0.44"
};

// `probabilities` sum to 1. A count in a cell of probability 0 gives p = 0.
ChiSquare chi_square(std::span<const double> probabilities, std::span<const std::int64_t> counts);

// Upper tail of the chi-square distribution, P(X > statistic): the regularised incomplete gamma function
// Q(freedom / 2, statistic / 2), by its series or its continued fraction (Numerical Recipes, sec. 6.2).
double chi_square_tail(double statistic, double freedom);

}  // namespace marginalia
