// What a model is worth: figures under the names of docs/metrics.md.
#pragma once

#include <map>
#include <string>

#include "kernel/train/sampling.h"
#include "kernel/train/trial_parts.h"

namespace marginalia {

using Figures = std::map<std::string, double>;

// Statistics of M float64 values: mean, standard deviation, standard error of the mean.
struct Spread {
    double mean, deviation, error;
};
Spread spread_of(const at::Tensor& values);

// E[log p_φ - log f] over `samples` states drawn from p_φ and, with it, the θ gap and, where log Z is known, the true
// KL: free_energy, kl, kl_stderr, theta_gap_mean, theta_gap_std; `impossible`, the fraction of states with log f = -infinity,
// where there are any; the mean of each of the energy's observables, observable.NAME, with _stderr. `drawn` receives the
// states.
Figures evaluate_samples(const TrialParts& parts, std::int64_t samples, std::int64_t batch, at::Generator& generator,
                         const KeepGoing& keep_going, at::Tensor& drawn);

// nll_bits, nll_bits_stderr: -log2 p_φ(x) / D over reference states, one random order each; and the mean of each of the
// energy's observables over them, observable.NAME_reference.
Figures evaluate_reference(const TrialParts& parts, const at::Tensor& reference, std::int64_t batch, at::Generator& generator,
                           const KeepGoing& keep_going);

// log p_θ(x_S) against the exact log-marginals (marginal_evaluation.cpp): marginal_rmse, marginal_bias, spearman,
// pearson over all states; by subset size into `by_size`: size -> {rmse, bias}. Empty where the energy has no exact ones.
struct SizeError {
    double rmse, bias;
};
Figures evaluate_marginals(const TrialParts& parts, const at::Tensor& reference, std::int64_t states, std::int64_t batch,
                           at::Generator& generator, std::map<std::int64_t, SizeError>& by_size);

// Seconds for 16 states: marginal_seconds (θ, one pass), conditional_seconds (sum of conditionals along one random
// order), conditional5_seconds (along five). Medians of repeated runs after a warm-up.
Figures time_marginals(const TrialParts& parts, const at::Tensor& x, at::Generator& generator);

}  // namespace marginalia
