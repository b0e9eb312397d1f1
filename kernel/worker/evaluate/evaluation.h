// What a model is worth: figures under the names of docs/metrics.md.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "kernel/worker/evaluate/statistics.h"
#include "kernel/worker/model/sampling.h"
#include "kernel/worker/model/trial_parts.h"

namespace marginalia {

using Figures = std::map<std::string, double>;
using Curves = std::map<std::string, std::map<std::int64_t, double>>;  // name -> place -> value

// log Z of the trial's energy, exactly or as estimated; no value where nothing is known.
struct LogZ {
    std::optional<double> value;
    double error = 0;  // standard error
    bool exact = true;
};

// Behind the names of figures whose log-densities are not exact: "_bound", "_estimate"; empty where they are.
std::string suffix_of(Model::Density density);

// The fractions of states that stand for something (valid), and of these that stand for different things (unique), by
// what the energy or dataset says that they stand for; and, where it tells, how different those are from each other
// (diversity, 0 to 1).
Figures evaluate_identities(const TrialParts& parts, const at::Tensor& x);

// The values of the observables of the trial's energy or dataset over the rows of x (M, D): (M, observables) float64;
// and of each by name, (M).
at::Tensor observed_values(const TrialParts& parts, const at::Tensor& x);
std::map<std::string, at::Tensor> observe_rows(const TrialParts& parts, const at::Tensor& x);

// nll, in nats a state, and nll_bits, in bits a site, with their standard errors, of the mean of log p; `bits`: D
// log 2.
Figures likelihood_figures(const Spread& log_p, double bits, const std::string& suffix);

// The same where sites differ: nll_scaled, of the numbers as sites hold them, and nll, of numbers in the units that
// they stand for, for log p of rows, the first of x; `chains` as in spread_of.
Figures density_figures(const TrialParts& parts, const at::Tensor& x, const at::Tensor& log_p,
                        const std::string& suffix, std::int64_t chains = 0);

// log f of each row of x: (M) float64 on the CPU.
at::Tensor log_f_of(const TrialParts& parts, const at::Tensor& x);

// How many states are drawn or scored, `batch` at a time: `most`, or fewer where the standard error of the mean of
// log p - log f is at most `precision` before, in nats (of log p alone, of reference states where log Z is not known);
// 0: all.
struct Draws {
    std::int64_t most, batch;
    double precision = 0;
};

// Every figure over states drawn from the model that asks for no reference states: E[log p - log f]
// (free_energy), the true KL where log Z is known, importance weights, the θ gap, means of the energy's observables and
// their values in the state of the highest log f (observable_best), evaluate_identities; of a dataset, of which all are
// drawn, the θ gap alone. With a precision, evaluation_samples. Quick evaluations record the same figures as curves.
// `drawn` receives the states.
Figures evaluate_samples(const TrialParts& parts, const Model& model, const LogZ& log_z, const Draws& draws,
                         at::Generator& generator, const KeepGoing& keep_going, at::Tensor& drawn);

// likelihood_figures over reference states (or a dataset's rows); where log Z is known,
// forward_kl, forward_kl_stderr: E[log f - log Z - log p]; with a precision, evaluation_rows; and the mean of each of
// the energy's observables over all of them, observable.NAME_reference.
struct Reference;
Figures evaluate_reference(const TrialParts& parts, const Model& model, const LogZ& log_z, const Reference& reference,
                           const Draws& draws, at::Generator& generator, const KeepGoing& keep_going);

// log p_θ(x_S) against the exact log-marginals (marginal_evaluation.cpp): marginal_rmse, marginal_bias, spearman,
// pearson over all states; by subset size the curves marginal_rmse_by_size, marginal_bias_by_size. Empty where the
// energy has no exact ones. States with the most known sites, the quickest ones, come first; those that do not fit into
// `seconds` are left out, and marginal_states then says how many are left.
struct MarginalChoice {
    std::int64_t states = 0, batch = 1;
    double seconds = 0;
};
Figures evaluate_marginals(const TrialParts& parts, const Model& model, const at::Tensor& reference,
                           const MarginalChoice& choice, at::Generator& generator, const KeepGoing& keep_going,
                           Curves& curves);

// The model's states beside reference states (sample_quality.cpp): energy_distance (nats), the Wasserstein-1 distance
// of their distributions of log f; pair_correlation_rmse; two_point_error, the mean over the distances of how far the
// agreements themselves differ; all three with _floor, the same between two halves of the reference states. Curves over
// the distance r along the axes of the layout, up to half an extent: pair_correlation, the connected agreement
// P(x_i = x_i+r) - sum_k P(x = k)², and its _stderr, _reference, _reference_stderr; no correlations where sites differ.
// Where states stand for points: sinkhorn and its _floor (sinkhorn.h), of at most 1,000 states each.
Figures evaluate_quality(
    const TrialParts& parts, const at::Tensor& drawn, const Reference& reference, Curves& curves,
    const Tick& tick = [] {});

// Seconds for 16 states: marginal_seconds (θ, one pass; only where the objective trains marginals), conditional_seconds
// (the model's log-density), conditional5_seconds (of five copies at once). Medians of repeated runs after a warm-up,
// single runs of what takes longer than 5 s.
Figures time_marginals(const TrialParts& parts, const Model& model, const at::Tensor& x, at::Generator& generator,
                       const Tick& tick);

}  // namespace marginalia
