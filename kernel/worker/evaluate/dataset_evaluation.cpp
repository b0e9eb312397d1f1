#include "kernel/worker/evaluate/dataset_evaluation.h"

#include <ATen/ATen.h>
#include <marginalia/lists.h>
#include <marginalia/rows.h>

#include <cmath>
#include <numbers>

namespace marginalia {

namespace {

// Streams of the seed 0, so that rows and orders are the same whatever a trial's seed.
constexpr std::uint64_t row_stream = 2, order_stream = 5, ensemble_stream = 6, validation_stream = 7;

at::Tensor random_rows_of(const TrialParts& parts, Split split, std::int64_t count, std::uint64_t stream) {
    const auto rows = static_cast<std::int64_t>(parts.dataset->size(split));
    at::Generator choice = make_generator(at::kCPU, 0, stream);
    return rows_at(*parts.dataset, split, at::randperm(rows, choice, at::kLong).slice(0, 0, std::min(count, rows)),
                   at::kCPU);
}

double bits_of(const TrialParts& parts) { return static_cast<double>(parts.domain.sites) * std::numbers::ln2; }

// log p of each row, or with points > 0 its estimate, on the CPU.
at::Tensor scored_rows(const RowEvaluation& evaluation, const at::Tensor& x, std::int64_t points, std::int64_t batch,
                       at::Generator& generator) {
    if (points == 0) return log_densities(evaluation.model, x, batch, generator, evaluation.keep_going);
    std::vector<at::Tensor> estimates;
    std::int64_t done = 0;
    for (const at::Tensor& piece : x.split(std::max<std::int64_t>(1, batch / points))) {
        const Tick tick = tick_of(evaluation.keep_going, done, x.size(0));
        estimates.push_back(
            evaluation.model.log_density_estimate(piece.to(generator.device()), points, generator, tick).cpu());
        done += piece.size(0);
    }
    return at::cat(estimates);
}

// log p of each row along each of `orders` orders: (orders, M).
at::Tensor along_orders(const RowEvaluation& evaluation, const at::Tensor& x, std::int64_t orders,
                        at::Generator& generator) {
    const std::int64_t batch = evaluation.settings.batch, rows = x.size(0);
    return scored_rows(evaluation, x.repeat({orders, 1}), 0, batch, generator).view({orders, rows});
}

at::Tensor log_mean(const at::Tensor& log_p) {
    return log_p.logsumexp(0) - std::log(static_cast<double>(log_p.size(0)));
}

std::vector<std::int64_t> numbers_of(const std::string& text, std::int64_t most) {
    if (text.empty()) return {};
    if (const auto numbers = whole_numbers(text, 1, most)) return *numbers;
    throw Error("evaluation.ranking_masked = \"" + text + "\" is not a list of numbers of sites from 1 to " +
                std::to_string(most) + ", such as \"100,400\"");
}

// Places in `values` of those that differ from all chosen below them by the threshold, rising.
at::Tensor spaced(const at::Tensor& values, double threshold) {
    const at::Tensor order = values.argsort();
    std::vector<std::int64_t> kept;
    for (std::int64_t i = 0; i < order.numel(); ++i) {
        const auto place = order[i].item<std::int64_t>();
        if (kept.empty() || values[place].item<double>() - values[kept.back()].item<double>() >= threshold)
            kept.push_back(place);
    }
    return at::tensor(kept, at::kLong);
}

class Ranking {
public:
    explicit Ranking(const RowEvaluation& evaluation)
        : evaluation_(evaluation), groups_(evaluation.settings.ranking_groups), rows_(evaluation.settings.ranking_rows),
          masked_(ranking_sizes(evaluation.settings, evaluation.parts.domain.sites)),
          generator_(make_generator(evaluation.parts.device, 0, ensemble_stream)) {}

    Figures run() {
        if (test_rows(evaluation_.parts, 1).size(0) == 0) return {};
        const at::Tensor x = masked_.empty() ? test_rows(evaluation_.parts, groups_ * rows_) : regenerated();
        const std::int64_t orders = evaluation_.settings.ensemble_orders, batch = evaluation_.settings.batch;
        // One order more, so that what the single order is compared with does not contain it.
        const at::Tensor log_p = along_orders(evaluation_, x, orders + 1, generator_);
        const at::Tensor marginal =
            log_marginals(evaluation_.model, x, batch, evaluation_.parts.device, evaluation_.keep_going);
        const at::Tensor ensemble = log_mean(log_p.slice(0, 1));
        for (std::int64_t first = 0; first + rows_ <= x.size(0); first += rows_) {
            const at::Tensor kept =
                spaced(ensemble.slice(0, first, first + rows_), evaluation_.settings.ranking_threshold) + first;
            if (kept.numel() < 3) continue;
            const at::Tensor reference = ensemble.index_select(0, kept);
            add("ranking", marginal.index_select(0, kept), reference);
            add("ranking_one_order", log_p[0].index_select(0, kept), reference);
        }
        return figures();
    }

private:
    // Groups of rows, each a test row of which so many random sites have been drawn anew: (groups * rows, D).
    at::Tensor regenerated() {
        const at::Tensor rows = test_rows(evaluation_.parts, groups_);
        std::vector<at::Tensor> partial;
        for (std::int64_t group = 0; group < rows.size(0); ++group) {
            const at::Tensor keys =
                at::rand({rows.size(1)}, generator_, at::TensorOptions().device(generator_.device())).cpu();
            const at::Tensor unknown =
                keys.argsort().argsort() < masked_[static_cast<std::size_t>(group) % masked_.size()];
            partial.push_back(
                rows[group].masked_fill(unknown, evaluation_.parts.domain.categories).expand({rows_, -1}));
        }
        // Groups with as many unknown sites together, since a batch takes as many passes as its emptiest row.
        std::vector<at::Tensor> drawn(partial.size());
        std::int64_t done = 0;
        for (std::size_t size = 0; size < std::min(masked_.size(), partial.size()); ++size) {
            std::vector<at::Tensor> alike;
            for (std::size_t group = size; group < partial.size(); group += masked_.size())
                alike.push_back(partial[group]);
            const std::vector<at::Tensor> full = completed(at::cat(alike), done).split(rows_);
            for (std::size_t i = 0; i < full.size(); ++i) drawn[size + i * masked_.size()] = full[i];
        }
        return at::cat(drawn);
    }

    at::Tensor completed(const at::Tensor& partial, std::int64_t& done) {
        std::vector<at::Tensor> drawn;
        for (const at::Tensor& piece : partial.split(evaluation_.settings.batch)) {
            const Tick tick = tick_of(evaluation_.keep_going, done, groups_ * rows_);
            drawn.push_back(evaluation_.model.complete(piece.to(generator_.device()), generator_, tick).x.cpu());
            done += piece.size(0);
        }
        return at::cat(drawn);
    }

    void add(const std::string& name, const at::Tensor& values, const at::Tensor& reference) {
        correlations_[name + "_spearman"].push_back(spearman(values, reference));
        correlations_[name + "_pearson"].push_back(pearson(values, reference));
    }

    Figures figures() const {
        Figures figures{{"ranking_groups", 0}};
        for (const auto& [name, values] : correlations_) {
            const Spread spread = spread_of(at::tensor(values, at::kDouble));
            figures[name] = spread.mean;
            figures[name + "_stderr"] = spread.error;
            figures["ranking_groups"] = static_cast<double>(values.size());
        }
        return figures;
    }

    const RowEvaluation& evaluation_;
    const std::int64_t groups_, rows_;
    const std::vector<std::int64_t> masked_;
    at::Generator generator_;
    std::map<std::string, std::vector<double>> correlations_;
};

}  // namespace

std::vector<std::int64_t> ranking_sizes(const EvaluationSettings& settings, std::int64_t sites) {
    return numbers_of(settings.ranking_masked, sites);
}

at::Tensor test_rows(const TrialParts& parts, std::int64_t count) {
    return random_rows_of(parts, parts.dataset->size(Split::test) > 0 ? Split::test : Split::validation, count,
                          row_stream);
}

at::Tensor training_rows(const TrialParts& parts, std::int64_t count) {
    at::Generator choice = make_generator(at::kCPU, 0, row_stream);
    return random_rows(*parts.dataset, Split::train, count, choice, at::kCPU);
}

Figures evaluate_likelihood(const RowEvaluation& evaluation) {
    const EvaluationSettings& settings = evaluation.settings;
    const at::Tensor x = test_rows(evaluation.parts, settings.nll_samples);
    if (x.size(0) == 0) return {};
    at::Generator orders = make_generator(evaluation.parts.device, 0, order_stream);
    const Spread spread = spread_of(scored_rows(evaluation, x, settings.nll_points, settings.batch, orders));
    const double bits = bits_of(evaluation.parts);
    const std::string suffix = suffix_of(evaluation.model.density()), name = "nll_bits" + suffix;
    Figures figures{{name, -spread.mean / bits}, {name + "_stderr", spread.error / bits}};
    if (settings.ensemble_rows == 0) return figures;
    at::Generator more = make_generator(evaluation.parts.device, 0, ensemble_stream);
    const at::Tensor log_p =
        along_orders(evaluation, x.slice(0, 0, settings.ensemble_rows), settings.ensemble_orders, more);
    const Spread gain = spread_of(log_mean(log_p) - log_p.mean(0));
    figures["nll_bits_ensemble" + suffix] = -(spread.mean + gain.mean) / bits;
    figures["nll_bits_ensemble" + suffix + "_stderr"] = std::hypot(spread.error, gain.error) / bits;
    return figures;
}

Figures evaluate_ranking(const RowEvaluation& evaluation) { return Ranking(evaluation).run(); }

Figures validation_bits(const RowEvaluation& evaluation) {
    const auto& [parts, model, settings, keep_going] = evaluation;
    const at::Tensor x = random_rows_of(parts, Split::validation, settings.quick_samples, validation_stream);
    if (x.size(0) == 0) return {};
    at::Generator orders = make_generator(parts.device, 0, validation_stream);
    const Spread spread = spread_of(scored_rows(evaluation, x, settings.nll_points, settings.batch, orders));
    return {{"validation_bits" + suffix_of(model.density()), -spread.mean / bits_of(parts)}};
}

}  // namespace marginalia
