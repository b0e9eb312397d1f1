// Whether log p_θ ranks similar rows as the conditionals do.
#include <ATen/ATen.h>
#include <marginalia/lists.h>

#include "kernel/worker/evaluate/row_scores.h"

namespace marginalia {

namespace {

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
        const at::Tensor marginal = log_marginals(evaluation_.model, x, evaluation_.settings.batch,
                                                  evaluation_.parts.device, evaluation_.keep_going);
        if (evaluation_.settings.precision > 0) by_estimates(x, marginal);
        else by_orders(x, marginal);
        return figures();
    }

private:
    void by_orders(const at::Tensor& x, const at::Tensor& marginal) {
        // One order more, so that what the single order is compared with does not contain it.
        const at::Tensor log_p = along_orders(evaluation_, x, evaluation_.settings.ensemble_orders + 1, generator_);
        const at::Tensor ensemble = log_mean(log_p.slice(0, 1));
        for (const at::Tensor& group : groups_of(ensemble)) {
            add("ranking", marginal, ensemble, group);
            add("ranking_one_order", log_p[0], ensemble, group);
        }
    }

    void by_estimates(const at::Tensor& x, const at::Tensor& marginal) {
        const PreciseRows estimated = precise_rows(evaluation_, x, generator_);
        for (const at::Tensor& group : groups_of(estimated.mean)) add("ranking", marginal, estimated.mean, group);
        figures_["ranking_log_p_stderr"] = estimated.error.square().mean().sqrt().item<double>();
        figures_["ranking_passes"] = estimated.passes;
    }

    // The rows of each group that differ by the threshold, where they are three or more.
    std::vector<at::Tensor> groups_of(const at::Tensor& log_p) const {
        std::vector<at::Tensor> groups;
        for (std::int64_t first = 0; first + rows_ <= log_p.numel(); first += rows_) {
            const at::Tensor kept =
                spaced(log_p.slice(0, first, first + rows_), evaluation_.settings.ranking_threshold) + first;
            if (kept.numel() >= 3) groups.push_back(kept);
        }
        return groups;
    }

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

    void add(const std::string& name, const at::Tensor& values, const at::Tensor& reference, const at::Tensor& group) {
        const at::Tensor a = values.index_select(0, group), b = reference.index_select(0, group);
        correlations_[name + "_spearman"].push_back(spearman(a, b));
        correlations_[name + "_pearson"].push_back(pearson(a, b));
    }

    Figures figures() const {
        Figures figures = figures_;
        figures["ranking_groups"] = 0;
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
    Figures figures_;  // of the estimates
};

}  // namespace

std::vector<std::int64_t> ranking_sizes(const EvaluationSettings& settings, std::int64_t sites) {
    return numbers_of(settings.ranking_masked, sites);
}

Figures evaluate_ranking(const RowEvaluation& evaluation) { return Ranking(evaluation).run(); }

}  // namespace marginalia
