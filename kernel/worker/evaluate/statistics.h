// Statistics of vectors of float64 values.
#pragma once

#include <cstdint>

#include <ATen/core/TensorBody.h>

namespace marginalia {

// Mean, standard deviation and standard error of the mean; of one value the last two are NaN.
struct Spread {
    double mean, deviation, error;
};
Spread spread_of(const at::Tensor& values);

// The same of the draws of `chains` chains, the chains of a draw next to each other: the error counts as many
// independent values as the effective sample size says. 0: the values are independent.
Spread spread_of(const at::Tensor& values, std::int64_t chains);

// Collects values until the standard error of their mean is at most `precision`, which a hundred values or more must
// say; 0: never. `chains` as above.
class UntilPrecise {
public:
    explicit UntilPrecise(double precision, std::int64_t chains = 0) : precision_(precision), chains_(chains) {}

    // Adds values (M); true from when they are enough.
    bool add(const at::Tensor& values);
    const at::Tensor& values() const { return values_; }  // all, in their order

private:
    const double precision_;
    const std::int64_t chains_;
    at::Tensor values_;
};

// Correlation coefficients of two vectors of the same length; NaN where one of them is constant. Spearman's: of the
// ranks, ties sharing their mean rank.
double pearson(const at::Tensor& a, const at::Tensor& b);
double spearman(const at::Tensor& a, const at::Tensor& b);

// The Fréchet distance, squared, of the normal distributions with the means m and covariances C of the rows of a (N, F)
// and b (M, F), float64, N and M at least 2: |m_a - m_b|² + tr(C_a + C_b - 2 (C_a C_b)^1/2). D. C. Dowson, B. V.
// Landau, J. Multivar. Anal. 12, 450 (1982).
double frechet_distance(const at::Tensor& a, const at::Tensor& b);

// The Wasserstein-1 distance of two samples of finite values: the integral of |F_a - F_b| over the line, F being their
// empirical distribution functions.
double wasserstein(const at::Tensor& first, const at::Tensor& second);

}  // namespace marginalia
