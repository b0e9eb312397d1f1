// log p of a dataset's rows by a model: along whole orders, or estimated from a few passes of the network.
#pragma once

#include "kernel/worker/evaluate/dataset_evaluation.h"

namespace marginalia {

// The streams of the seed 0 that ensembles and rankings draw from, and partial rows.
inline constexpr std::uint64_t ensemble_stream = 6, marginal_stream = 11;

// log p of each row of x (M, D), or with points > 0 its estimate, on the CPU; of the first rows where they are enough.
at::Tensor scored_rows(const RowEvaluation& evaluation, const at::Tensor& x, std::int64_t points,
                       at::Generator& generator, const Enough<at::Tensor>& enough = {});

// log p of each row along each of `orders` orders: (orders, M).
at::Tensor along_orders(const RowEvaluation& evaluation, const at::Tensor& x, std::int64_t orders,
                        at::Generator& generator);

// log of the mean of p over the orders: (M).
at::Tensor log_mean(const at::Tensor& log_p);

// E_σ[log p] of each row over the orders σ: means of estimates without bias (Model::log_density_estimate), of which a
// row gets more until the standard error of its mean is at most settings.precision, or as many passes have been made as
// ensemble_orders orders take. Eight estimates or more say what the error is.
struct PreciseRows {
    at::Tensor mean, error;  // (M) float64
    double passes = 0;       // a row, on average
};
PreciseRows precise_rows(const RowEvaluation& evaluation, const at::Tensor& x, at::Generator& generator);

}  // namespace marginalia
