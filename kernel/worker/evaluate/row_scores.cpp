#include "kernel/worker/evaluate/row_scores.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace marginalia {
namespace {

constexpr std::int64_t usual_points = 16, least_estimates = 8;

// Sums over the estimates of each row, and which rows want more of them.
class Estimates {
public:
    explicit Estimates(std::int64_t rows)
        : sum_(at::zeros({rows}, at::kDouble)), squares_(at::zeros_like(sum_)), count_(at::zeros_like(sum_)) {}

    void add(const at::Tensor& rows, const at::Tensor& values) {
        sum_.index_add_(0, rows, values);
        squares_.index_add_(0, rows, values.square());
        count_.index_add_(0, rows, at::ones_like(values));
    }
    at::Tensor mean() const { return sum_ / count_; }
    at::Tensor error() const {
        const at::Tensor variance = (squares_ / count_ - mean().square()).clamp_min(0);
        return (variance / (count_ - 1)).sqrt();
    }
    at::Tensor open(double precision) const { return (error() > precision).nonzero().flatten(); }
    double mean_count() const { return count_.mean().item<double>(); }

private:
    at::Tensor sum_, squares_, count_;
};

}  // namespace

at::Tensor scored_rows(const RowEvaluation& evaluation, const at::Tensor& x, std::int64_t points,
                       at::Generator& generator, const Enough<at::Tensor>& enough) {
    const std::int64_t batch = evaluation.settings.batch;
    if (points == 0) return log_densities(evaluation.model, x, batch, generator, evaluation.keep_going, enough);
    std::vector<at::Tensor> estimates;
    std::int64_t done = 0;
    for (const at::Tensor& piece : x.split(std::max<std::int64_t>(1, batch / points))) {
        const Tick tick = tick_of(evaluation.keep_going, done, x.size(0));
        estimates.push_back(
            evaluation.model.log_density_estimate(piece.to(generator.device()), points, generator, tick).cpu());
        done += piece.size(0);
        if (enough && enough(estimates.back())) break;
    }
    return at::cat(estimates);
}

at::Tensor along_orders(const RowEvaluation& evaluation, const at::Tensor& x, std::int64_t orders,
                        at::Generator& generator) {
    return scored_rows(evaluation, x.repeat({orders, 1}), 0, generator).view({orders, x.size(0)});
}

at::Tensor log_mean(const at::Tensor& log_p) {
    return log_p.logsumexp(0) - std::log(static_cast<double>(log_p.size(0)));
}

PreciseRows precise_rows(const RowEvaluation& evaluation, const at::Tensor& x, at::Generator& generator) {
    const EvaluationSettings& settings = evaluation.settings;
    const std::int64_t points = settings.nll_points > 0 ? settings.nll_points : usual_points;
    const std::int64_t most = std::max(least_estimates, settings.ensemble_orders * x.size(1) / points);
    Estimates estimates(x.size(0));
    at::Tensor open = at::arange(x.size(0));
    for (std::int64_t done = 0; done < most && open.numel() > 0; ++done) {
        estimates.add(open, scored_rows(evaluation, x.index_select(0, open), points, generator));
        if (done + 1 >= least_estimates) open = estimates.open(settings.precision);
    }
    return {estimates.mean(), estimates.error(), estimates.mean_count() * static_cast<double>(points)};
}

}  // namespace marginalia
