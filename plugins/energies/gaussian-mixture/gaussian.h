// Normal densities of many numbers.
#pragma once

#include <span>
#include <vector>

#include <marginalia/random.h>

namespace gaussian_mixture {

// Of mean μ (D) and covariance Σ (D, D), which is positive definite; throws Error where it is not.
class Gaussian {
public:
    Gaussian(std::vector<double> mean, std::vector<double> covariance);

    std::size_t size() const { return mean_.size(); }
    double mean(std::size_t d) const { return mean_[d]; }
    double variance(std::size_t d) const { return covariance_[d * size() + d]; }

    double log_density(std::span<const double> y) const;                            // nats
    Gaussian marginal(const std::vector<std::size_t>& of) const;                    // of these numbers, in this order
    void draw(marginalia::FastRandom& random, std::vector<double>& numbers) const;  // D more numbers at its end

private:
    std::vector<double> mean_, covariance_;
    std::vector<double> root_;  // L of Σ = L L^T, (D, D), lower
    double log_norm_ = 0;       // log p at the mean
};

}  // namespace gaussian_mixture
