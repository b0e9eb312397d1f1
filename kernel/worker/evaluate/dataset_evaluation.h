// What a model of data is worth on a dataset's rows, and what its own rows are like: figures under the names of
// docs/metrics.md.
#pragma once

#include "kernel/spec/settings.h"
#include "kernel/worker/evaluate/evaluation.h"

namespace marginalia {

// How rows are evaluated: these functions read what concerns a dataset in the settings.
struct RowEvaluation {
    const TrialParts& parts;
    const Model& model;
    const EvaluationSettings& settings;
    KeepGoing keep_going;
};

// `count` random rows of the test split, or of the validation split where there is no test, the same for every trial;
// all where it has fewer: (M, D) int64 on the CPU.
at::Tensor test_rows(const TrialParts& parts, std::int64_t count);

// `count` rows of the training split, drawn independently, the same for every trial.
at::Tensor training_rows(const TrialParts& parts, std::int64_t count);

// likelihood_figures over nll_samples test rows, one order a row or, with nll_points, its
// estimate without bias; with a precision, over evaluation_rows of them; nll_bits_ensemble, _stderr: less what the mean
// of p over ensemble_orders orders gains on ensemble_rows of these rows. The orders are the same for every trial. Of
// rows of a table with real columns or different ones: nll, in nats a row, in the columns' own units, and nll_scaled,
// the columns scaled as the dataset scales them.
Figures evaluate_likelihood(const RowEvaluation& evaluation);

// The numbers of sites of evaluation.ranking_masked. Throws Error where it is no list of them.
std::vector<std::int64_t> ranking_sizes(const EvaluationSettings& settings, std::int64_t sites);

// log p_θ of ranking_groups groups of similar rows beside the ensemble's log p of the same rows (arXiv 2310.12920,
// sec. 5.1): means over the groups of Spearman's and Pearson's correlation, ranking_spearman, ranking_pearson, with
// _stderr, and of one more order alone, ranking_one_order_spearman, ranking_one_order_pearson; ranking_groups, the
// groups with three rows or more that differ by the threshold. With a precision, log p of a row is not the ensemble's
// but its mean over orders, estimated (row_scores.h): no one_order figures, and ranking_log_p_stderr, the root mean
// square of the rows' standard errors, and ranking_passes, the passes a row.
Figures evaluate_ranking(const RowEvaluation& evaluation);

// How far the quickest log-marginals are from slower ones, over marginal_rows test rows of which a random part is
// known, sizes evenly over 1..D-1 (marginal_evaluation.cpp): marginal_gap, the root mean square of log p_θ(x_S), or of
// log p_φ along one order where log p_θ is not trained, less the log-mean of p over eight answers of log_density, which
// differ in their orders or in their codes, with _stderr; marginal_passes, those of the network that the quick answer
// takes a row. Empty where the model has neither.
Figures evaluate_row_marginals(const RowEvaluation& evaluation);

// Of rows drawn from the model (M, D): unique and novel, the fractions of rows that stand for different things and for
// what no row of the training split does, of those that stand for something; for sequences ngram_distance_1 to _4, the
// total variation distance of the distributions of n-grams to the test rows'; for pictures pixel_distance and
// pair_distance (picture_statistics.h); for digits, of 128 rows or more, frechet_distance, that of their features
// (digit_features.h); of the dataset's observables the
// means, observable.NAME and observable.NAME_reference (test rows), with _stderr, and the Wasserstein-1 distance of
// their distributions, observable_distance.NAME. _floor: the same distances of as many training rows.
Figures evaluate_drawn_rows(const TrialParts& parts, const at::Tensor& drawn);

// Rows of a table (M, D) as `sample` shows them to a person at a terminal of 100 columns.
std::string rows_text(const TrialParts& parts, const at::Tensor& drawn);

// validation_bits (of rows of a table as above: validation_nll_scaled, in nats) over quick_samples rows of the
// validation split, estimated from nll_points passes a row; empty where there is none.
Figures validation_bits(const RowEvaluation& evaluation);

}  // namespace marginalia
