#include "gaussian.h"

#include <marginalia/error.h>

#include <cmath>
#include <numbers>
#include <utility>

#include "real-targets/normal.h"

namespace gaussian_mixture {
namespace {

// Cholesky's root of a covariance of n numbers.
std::vector<double> root_of(const std::vector<double>& covariance, std::size_t n) {
    std::vector<double> root(n * n, 0.0);
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j <= i; ++j) {
            double rest = covariance[i * n + j];
            for (std::size_t k = 0; k < j; ++k) rest -= root[i * n + k] * root[j * n + k];
            if (i == j && !(rest > 0)) throw marginalia::Error("a covariance is not positive definite");
            root[i * n + j] = i == j ? std::sqrt(rest) : rest / root[j * n + j];
        }
    return root;
}

}  // namespace

Gaussian::Gaussian(std::vector<double> mean, std::vector<double> covariance)
    : mean_(std::move(mean)), covariance_(std::move(covariance)), root_(root_of(covariance_, mean_.size())) {
    log_norm_ = -0.5 * static_cast<double>(size()) * std::log(2 * std::numbers::pi);
    for (std::size_t d = 0; d < size(); ++d) log_norm_ -= std::log(root_[d * size() + d]);
}

double Gaussian::log_density(std::span<const double> y) const {
    std::vector<double> t(size());  // L t = y - μ
    double squares = 0;
    for (std::size_t i = 0; i < size(); ++i) {
        double rest = y[i] - mean_[i];
        for (std::size_t k = 0; k < i; ++k) rest -= root_[i * size() + k] * t[k];
        t[i] = rest / root_[i * size() + i];
        squares += t[i] * t[i];
    }
    return log_norm_ - squares / 2;
}

Gaussian Gaussian::marginal(const std::vector<std::size_t>& of) const {
    std::vector<double> mean, covariance;
    for (const std::size_t i : of) {
        mean.push_back(mean_[i]);
        for (const std::size_t j : of) covariance.push_back(covariance_[i * size() + j]);
    }
    return {std::move(mean), std::move(covariance)};
}

void Gaussian::draw(marginalia::FastRandom& random, std::vector<double>& numbers) const {
    std::vector<double> t(size());
    for (double& value : t) value = real_targets::normal(random);
    for (std::size_t i = 0; i < size(); ++i) {
        double value = mean_[i];
        for (std::size_t k = 0; k <= i; ++k) value += root_[i * size() + k] * t[k];
        numbers.push_back(value);
    }
}

}  // namespace gaussian_mixture
