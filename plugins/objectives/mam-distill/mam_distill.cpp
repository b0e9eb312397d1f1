#include <map>
#include <string>

#include <ATen/ATen.h>
#include <marginalia/objective.h>
#include <marginalia/orders.h>
#include <marginalia/site_terms.h>

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
    {.name = "sites", .type = ParameterType::number, .fallback = "1.0", .minimum = 0, .maximum = 1e9,
     .help = "weight of the path's squared errors site by site, where the network has log p_θ as a sum over sites; 0: not used"},
    {.name = "copy_body", .type = ParameterType::boolean, .fallback = "true",
     .help = "start the marginals' body from the conditionals' where the network has a body for each"},
};

constexpr const char* manual = R"(
Stage 2 of training a marginalization model from data (arXiv 2310.12920, sec. 4.1): the marginals p_θ are distilled from the
conditionals p_φ of stage 1, which stay as they are. Two losses, of which either may be left out:

    sum rule   λ D E[(log p_θ(x_σ(<d)) + log p_φ(x_σ(d) | x_σ(<d)) - log p_θ(x_σ(<=d)))²],     σ random, d stratified over the batch
    path       E[(log p_θ(x_S) - L(x_S))²],     L an unbiased estimate of E_σ[log p_φ(x_S along σ)]

The sum rule is the paper's: it carries what p_φ says through D links from the empty set to a full state. The path gives the sum of
these links at once: with s = |S| and r(d) the mean of log p_φ(x_k | x_T) over k in S \ T, T the first d sites of a random order of S,

    L = sum over j of (π s / 2m) sin(π v_j) r(floor(s sin²(π v_j / 2))),     v_j uniform in [j/m, (j+1)/m), j = 0..m-1, m = path_points

which in the mean is the sum over d of r(d), most of the points lying where r differs most between orders: where few sites are known, or
few are left. It takes m passes in place of s. L is a sum over the sites k of S, of estimates of E_σ[log p_φ(x_k | what is before k in σ)].
Where log p_θ is a sum over sites too (unet, transformer), its terms learn from those of L, with 0 at unknown sites, beside the sums:

    path       E[(log p_θ(x_S) - L)² + sites Σ_k (log p_θ,k(x_S) - L_k)²]

A row then teaches D numbers in place of one. Every second row of the path is a full state. States x are rows of the dataset (or of the sampler); in a part `own` of
them a random part is erased and filled in again by p_φ, so that θ is right on the model's own states too.

A network with two bodies of one shape (bodies = 2 of unet and transformer) starts its stage 2 with the conditionals' body in both,
unless copy_body = false: what tells the symbols of a site apart is of use for log p_θ as well.

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
          path_points_(params.integer("path_points")),
          sites_(params.number("sites")),
          copy_body_(params.boolean("copy_body")) {
        if (lambda_ == 0 && path_rows_ == 0)
            throw marginalia::Error("penalty = 0 and path_rows = 0 leave nothing to learn; give one of them");
    }

    at::Tensor loss(marginalia::TrainingStep& step) override {
        if (step.step == 1 && copy_body_) copy_body(step.network);
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
            loss = loss + path_loss(step, x);
        }
        step.metrics["loss"] = loss.detach();
        return loss;
    }

private:
    // Parameters phi_NAME into theta_NAME of the same shape.
    static void copy_body(const marginalia::Network& network) {
        const at::NoGradGuard no_grad;
        std::map<std::string, at::Tensor> marginals;
        for (const auto& [name, value] : network.named_parameters())
            if (name.starts_with("theta_")) marginals.emplace(name.substr(6), value);
        for (const auto& [name, value] : network.named_parameters()) {
            const auto own = name.starts_with("phi_") ? marginals.find(name.substr(4)) : marginals.end();
            if (own != marginals.end() && own->second.sizes() == value.sizes()) own->second.copy_(value);
        }
    }

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

    // Mean squared differences of log p_θ(x_S) from the estimates, of the sums and of their terms, in nats².
    at::Tensor path_loss(marginalia::TrainingStep& step, const at::Tensor& batch) const {
        // Rows from all over the batch, whose first part is the model's own.
        const std::int64_t stride = batch.size(0) / path_rows_;
        const at::Tensor x = batch.slice(0, 0, stride * path_rows_, stride);
        const at::Tensor rank = marginalia::random_orders(x.size(0), x.size(1), step.generator, x.device());
        at::Tensor size = stratified_sizes(x, step.generator) + 1;
        size.slice(0, 0, size.size(0), 2).fill_(x.size(1));
        const at::Tensor partial = x.masked_fill(rank >= size, setup_.domain.categories);
        at::Tensor estimate;
        {
            const at::NoGradGuard no_grad;
            estimate = marginalia::estimate_site_terms(step.network, partial, path_points_, step.generator).to(at::kFloat);
        }
        const bool by_site = sites_ > 0 && marginalia::has_log_marginal_sites(step.network);
        const at::Tensor terms = by_site ? marginalia::log_marginal_sites(step.network, partial) : at::Tensor();
        const at::Tensor marginal = by_site ? terms.sum(1) : step.network.log_marginal(partial);
        const at::Tensor error = (marginal - estimate.sum(1)).square().mean();
        step.metrics["path_rmse"] = error.detach().sqrt();
        return by_site ? error + sites_ * (terms - estimate).square().sum(1).mean() : error;
    }

    const marginalia::TrainingSetup setup_;
    const double lambda_;
    const std::int64_t own_;  // rows
    const std::int64_t resampling_;
    const std::int64_t path_rows_;
    const std::int64_t path_points_;
    const double sites_;
    const bool copy_body_;
    bool frozen_ = false;
};

}  // namespace

MARGINALIA_OBJECTIVE(Distillation, "mam-distill", "marginals from fixed conditionals: stage 2 of maximum likelihood", manual, parameters,
                     "states");
