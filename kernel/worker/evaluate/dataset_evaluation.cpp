#include "kernel/worker/evaluate/dataset_evaluation.h"

#include <ATen/ATen.h>
#include <marginalia/rows.h>

#include <cmath>
#include <numbers>

#include "kernel/worker/evaluate/row_scores.h"

namespace marginalia {

namespace {

// Streams of the seed 0, so that rows and orders are the same whatever a trial's seed.
constexpr std::uint64_t row_stream = 2, order_stream = 5, validation_stream = 7;

at::Tensor random_rows_of(const TrialParts& parts, Split split, std::int64_t count, std::uint64_t stream) {
    const auto rows = static_cast<std::int64_t>(parts.dataset->size(split));
    at::Generator choice = make_generator(at::kCPU, 0, stream);
    return rows_at(*parts.dataset, split, at::randperm(rows, choice, at::kLong).slice(0, 0, std::min(count, rows)),
                   at::kCPU);
}

double bits_of(const TrialParts& parts) { return static_cast<double>(parts.domain.sites) * std::numbers::ln2; }

}  // namespace

at::Tensor test_rows(const TrialParts& parts, std::int64_t count) {
    return random_rows_of(parts, parts.dataset->size(Split::test) > 0 ? Split::test : Split::validation, count,
                          row_stream);
}

at::Tensor training_rows(const TrialParts& parts, std::int64_t count) {
    at::Generator choice = make_generator(at::kCPU, 0, row_stream);
    return random_rows(*parts.dataset, Split::train, count, choice, at::kCPU);
}

Figures evaluate_likelihood(const RowEvaluation& evaluation) {
    if (evaluation.model.density() == Model::Density::none) return {};
    const EvaluationSettings& settings = evaluation.settings;
    const at::Tensor x = test_rows(evaluation.parts, settings.nll_samples);
    if (x.size(0) == 0) return {};
    at::Generator orders = make_generator(evaluation.parts.device, 0, order_stream);
    UntilPrecise scored(settings.precision);
    scored_rows(evaluation, x, settings.nll_points, orders, [&](const at::Tensor& rows) { return scored.add(rows); });
    const Spread spread = spread_of(scored.values());
    const std::string suffix = suffix_of(evaluation.model.density());
    if (!evaluation.parts.domain.site_categories.empty())
        return density_figures(evaluation.parts, x, scored.values(), suffix);
    const double bits = bits_of(evaluation.parts);
    Figures figures = likelihood_figures(spread, bits, suffix);
    if (settings.precision > 0) figures["evaluation_rows"] = static_cast<double>(scored.values().numel());
    if (settings.ensemble_rows == 0) return figures;
    at::Generator more = make_generator(evaluation.parts.device, 0, ensemble_stream);
    const at::Tensor log_p =
        along_orders(evaluation, x.slice(0, 0, settings.ensemble_rows), settings.ensemble_orders, more);
    const Spread gain = spread_of(log_mean(log_p) - log_p.mean(0));
    figures["nll_bits_ensemble" + suffix] = -(spread.mean + gain.mean) / bits;
    figures["nll_bits_ensemble" + suffix + "_stderr"] = std::hypot(spread.error, gain.error) / bits;
    return figures;
}

Figures validation_bits(const RowEvaluation& evaluation) {
    const auto& [parts, model, settings, keep_going] = evaluation;
    if (model.density() == Model::Density::none) return {};
    const at::Tensor x = random_rows_of(parts, Split::validation, settings.quick_samples, validation_stream);
    if (x.size(0) == 0) return {};
    at::Generator orders = make_generator(parts.device, 0, validation_stream);
    const Spread spread = spread_of(scored_rows(evaluation, x, settings.nll_points, orders));
    const std::string suffix = suffix_of(model.density());
    if (!parts.domain.site_categories.empty()) return {{"validation_nll_scaled" + suffix, -spread.mean}};
    return {{"validation_bits" + suffix, -spread.mean / bits_of(parts)}};
}

}  // namespace marginalia
