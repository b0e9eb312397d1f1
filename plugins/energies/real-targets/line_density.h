// Densities of one number.
#pragma once

#include <functional>
#include <vector>

#include <marginalia/random.h>

namespace real_targets {

// An unnormalised density f of one number that is nothing outside [low, high], and smooth: log f changes by little
// over a 16384th of that.
class LineDensity {
public:
    LineDensity(std::function<double(double)> log_f, double low, double high);

    double log_f(double y) const { return log_f_(y); }
    double low() const { return low_; }
    double high() const { return high_; }

    // By the trapezoidal rule, which is right to rounding where f is as smooth and vanishes at both ends.
    double log_z() const { return log_z_; }
    double mean() const { return mean_; }
    double variance() const { return variance_; }

    // Of f / Z, by rejection from steps above it.
    double draw(marginalia::FastRandom& random) const;

private:
    const std::function<double(double)> log_f_;
    const double low_, high_;
    double log_z_ = 0, mean_ = 0, variance_ = 0;
    double top_ = 0;             // the largest log f
    std::vector<double> steps_;  // above f / exp(top) in each cell
    std::vector<double> sums_;   // of the steps up to each cell
};

}  // namespace real_targets
