#include <ATen/ATen.h>
#include <marginalia/objective.h>
#include <marginalia/orders.h>

#include "../stratified_sizes.h"

namespace {

using marginalia::Parameter;
using marginalia::ParameterType;

constexpr Parameter parameters[] = {
    {.name = "penalty", .type = ParameterType::number, .fallback = "1.0", .minimum = 0, .maximum = 1e9,
     .help = "λ, the weight of the sum rule; 0: not used"},
    {.name = "own", .type = ParameterType::number, .fallback = "0.5", .minimum = 0, .maximum = 1,
     .help = "fraction of a batch in which a random part is erased and resampled by the conditionals"},
    {.name = "resampling", .type = ParameterType::integer, .fallback = "4", .minimum = 1, .maximum = 1e6, .unit = "passes",
     .help = "passes in which the erased part is filled, an equal number of its sites in each"},
    {.name = "path_rows", .type = ParameterType::integer, .fallback = "16", .minimum = 0, .maximum = 1e6, .unit = "rows",
     .help = "rows a step whose log p_φ(x_S) is estimated and learnt as it is; 0: none"},
    {.name = "path_points", .type = ParameterType::integer, .fallback = "16", .minimum = 1, .maximum = 1e6, .unit = "passes",
     .help = "partial states along an order from which that is estimated"},
};

constexpr const char* manual = R"(
Stage 2 of training a marginalization model from data (arXiv 2310.12920, sec. 4.1): the marginals p_θ are distilled from the
conditionals p_φ of stage 1, which stay as they are. Two losses, of which either may be left out:

    sum rule   λ D E[(log p_θ(x_σ(<d)) + log p_φ(x_σ(d) | x_σ(<d)) - log p_θ(x_σ(<=d)))²],     σ random, d stratified over the batch
    path       E[(log p_θ(x_S) - L(x_S))²],     L an unbiased estimate of E_σ[log p_φ(x_S along σ)]

The sum rule is the paper's: it carries what p_φ says through D links from the empty set to a full state. The path gives the sum of
these links at once: with s = |S| and r(d) the mean of log p_φ(x_k | x_T) over k in S \ T, T the first d sites of a random order of S,

    L = sum over j of (2 s v_j / m) r(floor(s v_j²)),     v_j uniform in [j/m, (j+1)/m), j = 0..m-1, m = path_points

which is the sum over d of r(d), most of the points lying where few sites are known and r changes fastest: m passes
in place of s. Every second row of the path is a full state. States x are rows of the dataset (or of the sampler); in a part `own` of
them a random part is erased and filled in again by p_φ, so that θ is right on the model's own states too.

The conditionals' parameters are found by one backward pass through them, and are not trained; a network whose every parameter serves the
conditionals is refused. Records `loss`, `penalty` (mean squared error of the sum rule in nats²) and `path_rmse` (nats).

References: S. Liu, P. J. Ramadge, R. P. Adams, Generative marginalization models, ICML 2024 (arXiv 2310.12920), sec. 4.1; A. B. Owen,
Monte Carlo theory, methods and examples, 2013, ch. 8 (stratification).
)";

class Distillation final : public marginalia::Objective {
public:
    Distillation(const marginalia::Params& params, const marginalia::TrainingSetup& setup)
        : setup_(setup),
          lambda_(params.number("penalty")),
          own_(static_cast<std::int64_t>(params.number("own") * static_cast<double>(setup.batch))),
          resampling_(params.integer("resampling")),
          path_rows_(std::min(params.integer("path_rows"), setup.batch)),
          path_points_(params.integer("path_points")) {
        if (lambda_ == 0 && path_rows_ == 0)
            throw marginalia::Error("penalty = 0 and path_rows = 0 leave nothing to learn; give one of them");
    }

    at::Tensor loss(marginalia::TrainingStep& step) override {
        if (!frozen_) freeze_conditionals(step.network);
        frozen_ = true;
        const at::Tensor x = states(step);
        at::Tensor loss = at::zeros({}, x.options().dtype(at::kFloat));
        if (lambda_ > 0) {
            const at::Tensor penalty = sum_rule(step, x);
            loss = loss + lambda_ * static_cast<double>(setup_.domain.sites) * penalty;
            step.metrics["penalty"] = penalty.detach();
        }
        if (path_rows_ > 0) {
            const at::Tensor error = path_error(step, x);
            loss = loss + error;
            step.metrics["path_rmse"] = error.detach().sqrt();
        }
        step.metrics["loss"] = loss.detach();
        return loss;
    }

private:
    void freeze_conditionals(const marginalia::Network& network) const {
        if (network.consistent())
            throw marginalia::Error("the network's marginals are exact by construction, so there is nothing to distil");
        const at::Tensor empty = at::full({1, setup_.domain.sites}, setup_.domain.categories,
                                          at::TensorOptions().dtype(at::kLong).device(setup_.device));
        network.conditional_logits(empty).sum().backward();
        bool left = false;
        for (at::Tensor& parameter : network.parameters()) {
            const bool serves_conditionals = parameter.grad().defined();
            parameter.mutable_grad().reset();
            if (serves_conditionals) parameter.requires_grad_(false);
            else left = true;
        }
        if (!left)
            throw marginalia::Error("every parameter of the network serves its conditionals, which stage 2 leaves as they are; take a "
                                    "network with parameters of the marginals' own, such as bodies = 2");
    }

    // Rows, some of them in part the model's own.
    at::Tensor states(marginalia::TrainingStep& step) const {
        const at::Tensor x = marginalia::training_states(step, setup_);
        if (own_ == 0) return x;
        const at::NoGradGuard no_grad;
        const at::Tensor kept = x.slice(0, own_), chosen = x.slice(0, 0, own_);
        const at::Tensor rank = marginalia::random_orders(own_, x.size(1), step.generator, x.device());
        const at::Tensor erased = stratified_sizes(chosen, step.generator) + 1;
        at::Tensor filled = chosen.masked_fill(rank < erased, setup_.domain.categories);
        for (std::int64_t pass = 1; pass <= resampling_; ++pass) {
            const at::Tensor logits = step.network.conditional_logits(filled);
            const at::Tensor drawn = marginalia::sample_symbols(logits.flatten(0, 1), step.generator).view_as(filled);
            const at::Tensor now = rank * resampling_ < erased * pass;
            filled = at::where((filled == setup_.domain.categories) & now, drawn, filled);
        }
        return at::cat({filled, kept});
    }

    // log p_φ of every site's symbol in x given the partial states: (B, D).
    at::Tensor log_conditionals(const marginalia::Network& network, const at::Tensor& partial, const at::Tensor& x) const {
        const at::NoGradGuard no_grad;
        return network.conditional_logits(partial).to(at::kFloat).log_softmax(2).gather(2, x.unsqueeze(2)).squeeze(2);
    }

    at::Tensor sum_rule(marginalia::TrainingStep& step, const at::Tensor& x) const {
        const at::Tensor order = marginalia::random_orders(x.size(0), x.size(1), step.generator, x.device());
        const at::Tensor known = stratified_sizes(x, step.generator), site = order.gather(1, known);
        const at::Tensor before = x.masked_fill(order.argsort(std::int64_t{1}) >= known, setup_.domain.categories);
        const at::Tensor symbol = x.gather(1, site);
        at::Tensor added;
        {
            const at::NoGradGuard no_grad;
            const at::Tensor logits = step.network.conditional_at(before, site.squeeze(1));
            added = logits.to(at::kFloat).log_softmax(1).gather(1, symbol).squeeze(1);
        }
        const at::Tensor marginal = step.network.log_marginal(at::cat({before, before.scatter(1, site, symbol)}));
        const auto parts = marginal.chunk(2);
        return (parts[0] + added - parts[1]).square().mean();
    }

    // Mean squared difference of log p_θ(x_S) from the estimates, in nats².
    at::Tensor path_error(marginalia::TrainingStep& step, const at::Tensor& batch) const {
        // Rows from all over the batch, whose first part is the model's own.
        const std::int64_t stride = batch.size(0) / path_rows_, points = path_points_;
        const at::Tensor x = batch.slice(0, 0, stride * path_rows_, stride);
        const at::Tensor rank = marginalia::random_orders(x.size(0), x.size(1), step.generator, x.device());
        at::Tensor size = stratified_sizes(x, step.generator) + 1;
        size.slice(0, 0, size.size(0), 2).fill_(x.size(1));
        const at::Tensor estimate = path_estimate(step, x, rank, size, points);
        const at::Tensor marginal = step.network.log_marginal(x.masked_fill(rank >= size, setup_.domain.categories));
        return (marginal - estimate).square().mean();
    }

    at::Tensor path_estimate(marginalia::TrainingStep& step, const at::Tensor& x, const at::Tensor& rank, const at::Tensor& size,
                             std::int64_t points) const {
        const at::TensorOptions floats = x.options().dtype(at::kFloat);
        const at::Tensor v = (at::rand({x.size(0), points}, step.generator, floats) + at::arange(points, floats)) /
                             static_cast<double>(points);
        const at::Tensor length = size.to(at::kFloat);
        const at::Tensor known = (length * v.square()).to(at::kLong).minimum(size - 1);  // (R, m)
        const at::Tensor places = rank.unsqueeze(1);                                      // (R, 1, D)
        const at::Tensor unknown = places >= known.unsqueeze(2);                          // (R, m, D)
        const at::Tensor rows = x.unsqueeze(1).expand_as(unknown);
        const at::Tensor log_p = log_conditionals(step.network, rows.masked_fill(unknown, setup_.domain.categories).flatten(0, 1),
                                                  rows.flatten(0, 1)).view_as(unknown);
        const at::Tensor asked = unknown & (places < size.unsqueeze(2));
        const at::Tensor rate = (log_p * asked).sum(2) / asked.sum(2);
        return (rate * v * length).sum(1) * (2.0 / static_cast<double>(points));
    }

    const marginalia::TrainingSetup setup_;
    const double lambda_;
    const std::int64_t own_;  // rows
    const std::int64_t resampling_;
    const std::int64_t path_rows_;
    const std::int64_t path_points_;
    bool frozen_ = false;
};

}  // namespace

MARGINALIA_OBJECTIVE(Distillation, "mam-distill", "marginals from fixed conditionals: stage 2 of maximum likelihood", manual, parameters,
                     "states");
