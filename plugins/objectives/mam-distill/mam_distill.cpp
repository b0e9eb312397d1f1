#include <cmath>
#include <map>
#include <numbers>
#include <optional>
#include <string>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <marginalia/host.h>
#include <marginalia/objective.h>
#include <marginalia/orders.h>
#include <marginalia/real_sites.h>
#include <marginalia/site_terms.h>

#include "../any_order.h"
#include "path_pool.h"

namespace {

using marginalia::Parameter;
using marginalia::ParameterType;

constexpr Parameter parameters[] = {
    {.name = "penalty",
     .type = ParameterType::number,
     .fallback = "1.0",
     .minimum = 0,
     .maximum = 1e9,
     .help = "λ, the weight of the sum rule; 0: not used"},
    {.name = "own",
     .type = ParameterType::number,
     .fallback = "0.5",
     .minimum = 0,
     .maximum = 1,
     .help = "fraction of a batch in which a random part is erased and resampled by the conditionals"},
    {.name = "resampling",
     .type = ParameterType::integer,
     .fallback = "4",
     .minimum = 1,
     .maximum = 1e6,
     .unit = "passes",
     .help = "passes in which the erased part is filled, few of its sites in the first and most in the last"},
    {.name = "own_steps",
     .type = ParameterType::integer,
     .fallback = "1",
     .minimum = 1,
     .maximum = 1e6,
     .unit = "steps",
     .help = "steps that erased and resampled states serve before new ones are drawn"},
    {.name = "path_rows",
     .type = ParameterType::integer,
     .fallback = "16",
     .minimum = 0,
     .maximum = 1e6,
     .unit = "rows",
     .help = "rows a step whose log p_φ(x_S) is estimated and learnt as it is; 0: none"},
    {.name = "path_points",
     .type = ParameterType::integer,
     .fallback = "16",
     .minimum = 1,
     .maximum = 1e6,
     .unit = "passes",
     .help = "partial states of a row from which that is estimated"},
    {.name = "path_pool",
     .type = ParameterType::integer,
     .fallback = "0",
     .minimum = 0,
     .maximum = 1e6,
     .unit = "rows",
     .help = "rows that are gone through site by site, one site of each a step, for log p_φ(x_S) without noise; "
             "0: it is estimated from path_points",
     .absent = "0"},
    {.name = "full",
     .type = ParameterType::number,
     .fallback = "0.5",
     .minimum = 0,
     .maximum = 1,
     .help = "fraction of the path's rows that are full states; of the others a random part is known"},
    {.name = "path_hidden",
     .type = ParameterType::number,
     .fallback = "0.0",
     .minimum = 0,
     .maximum = 0.5,
     .help =
         "least fraction of a row's sites hidden in its partial states, where the network has profiles of its sites"},
    {.name = "sites",
     .type = ParameterType::number,
     .fallback = "25.0",
     .minimum = 0,
     .maximum = 1e9,
     .help =
         "weight of the path's squared errors site by site, where the network has profiles of its sites; 0: not used"},
    {.name = "copy_body",
     .type = ParameterType::boolean,
     .fallback = "true",
     .help = "start the marginals' body and readout from the conditionals' where the network has a body for each"},
};

constexpr const char* manual = R"(Stage 2 of training a marginalization model from data (arXiv 2310.12920, sec. 4.1):
the marginals p_θ are distilled from the conditionals p_φ of stage 1 (`ao-arm`), which stay fixed. Start it by
`[stage1]` or `train.start_from`, with a network that has parameters of the marginals' own: two bodies, or at least a
readout. There are two losses, of which either may be left out (the published method is `path_rows = 0`):

    sum rule   λ D E[(log p_θ(x_σ(<d)) + log p_φ(x_σ(d) | x_σ(<d)) - log p_θ(x_σ(<=d)))²],
                     σ random, d stratified over the batch
    path       E[(log p_θ(x_S) - L(x_S))²],     L an unbiased estimate of E_σ[log p_φ(x_S along σ)]

The sum rule is the paper's: it carries what p_φ says through D links from the empty set to a full state. The path gives
the sum of these links at once. With s = |S| and r(d) the mean of log p_φ(x_k | x_T) over k in S \ T, T being the first
d sites of a random order of S,

    L = sum over j of (π s / 2m) sin(π v_j) r(floor(s sin²(π v_j / 2))),
                      v_j uniform in [j/m, (j+1)/m), j = 0..m-1, m = path_points

Its mean is the sum over d of r(d), in m passes in place of s. Most points lie where r differs most between orders:
where few sites are known, or few are left.

L is a sum over sites, and each site's term a mean over how much is known before it. Networks that have log p_θ as such
a sum (unet, transformer, recurrent) learn both. Let P_k(v) be the profile of site k, log p_θ(x_S) = sum over k of ∫
P_k(v) d sin²(π v / 2), T_j a random subset of floor(s sin²(π v_j / 2)) sites of S, drawn anew for each point, H_j = S \
T_j, and e_jk = log p_φ(x_k | x_Tj) - P_k(v_j) for k in H_j, -P_k(v_j) for the unknown sites:

    path       E[(mean over j of (π/2) sin(π v_j) (s/|H_j| sum of e_jk over H_j + sum of e_jk over unknown k))²
                 + sites mean_j (s/|H_j| sum of e_jk² over H_j + sum of e_jk² over unknown k)]

The first part is again the squared difference of log p_θ(x_S) from an unbiased estimate. The profile is its control
variate: it removes what varies with v and with the choice of sites (only log p_θ learns from this part, so that it
stays unbiased). The second part teaches a number for each hidden site of each pass. Few points are then enough, and the
passes saved go to more rows. With many sites the first part is mostly the noise of L, which counts in full what all
sites have in common; a large `sites` leaves it the mean alone, for which it is needed. Of the path's rows a fraction
`full` are full states.

With path_hidden = h at least h s sites are hidden in a partial state: points that ask for fewer are answered by what
the conditionals say with so few hidden. This spares L its noisiest points, where a few sites represent all, and misses
what the conditionals gain from the last h s: little where neighbours tell the same.

The estimate is noisy where there are many sites, and few points see little of a path. `path_pool` = P has none of that
noise: P rows are kept, each with an order of its own, and every step makes one more site of each known, by one pass of
P rows, and adds log p_φ of its symbol to the row's sum. Of these partial states, of all sizes, path_rows are drawn at
random, and log p_θ learns their sums as they are:

    path       E[(log p_θ(x_S) - sum over d <= |S| of log p_φ(x_σ(d) | x_σ(<d)))²]

What is left between orders is only what p_φ contradicts itself. It needs as many steps as there are sites before it
sees full states, and is meant for models of energies, where log p_θ is asked for to a fraction of a nat. path_points,
full, path_hidden and sites are then not used.

States x are rows of the dataset (or of the sampler). In a part `own` of them a random part is erased and filled in
again by p_φ, so that θ is right on the model's own states too: after pass i of n a share (i/n)² is filled.

A network with two bodies of one shape (bodies = 2 of unet, transformer and recurrent) starts stage 2 with the
conditionals' body in both, unless copy_body = false: what tells the symbols of a site apart is of use for log p_θ as
well. Give it readout = "softmax": its log p_θ is a sum of log-probabilities and begins with those that the conditionals
have for the known sites. Without it stage 2 needs several times the steps.

Sites may hold real numbers, whose log p is a log-density. Rows may lack cells: S is then a part of the cells that a row
has, and a full state the row as it is.

The conditionals' parameters are found by one backward pass through them; a network whose every parameter serves the
conditionals is refused. Records `loss`, `penalty` (mean squared error of the sum rule in nats²) and `path_rmse` (nats).

References: S. Liu, P. J. Ramadge, R. P. Adams, Generative marginalization models, ICML 2024 (arXiv 2310.12920), sec.
4.1. A. B. Owen, Monte Carlo theory, methods and examples, 2013, ch. 8 (stratification).)";

class Distillation final : public marginalia::Objective {
public:
    Distillation(const marginalia::Params& params, const marginalia::TrainingSetup& setup)
        : setup_(setup), lambda_(params.number("penalty")),
          own_(static_cast<std::int64_t>(params.number("own") * static_cast<double>(setup.batch))),
          resampling_(params.integer("resampling")), own_steps_(params.integer("own_steps")),
          path_rows_(std::min(params.integer("path_rows"), setup.batch)), path_points_(params.integer("path_points")),
          full_(params.number("full")),
          most_known_(std::acos(std::sqrt(params.number("path_hidden"))) * 2 / std::numbers::pi),
          sites_(params.number("sites")), copy_body_(params.boolean("copy_body")) {
        if (params.integer("path_pool") > 0) pool_.emplace(params.integer("path_pool"), setup);
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
            loss = loss + (pool_ ? pool_loss(step, x) : path_loss(step, x));
        }
        step.metrics["loss"] = loss.detach();
        return loss;
    }

    bool takes_mixed_sites() const override { return true; }

    marginalia::StateDict state() const override {
        marginalia::StateDict state = pool_ ? pool_->state() : marginalia::StateDict{};
        if (own_steps_ > 1 && own_states_.defined())
            state.emplace("own_states", marginalia::kept_states(own_states_, setup_.domain));
        return state;
    }
    void load(const marginalia::StateDict& state) override {
        if (state.contains("own_states"))
            own_states_ = marginalia::saved_states(state, "own_states", setup_.domain, true).to(setup_.device);
        if (pool_) pool_->load(state);
    }

private:
    // Parameters phi_NAME into theta_NAME of the same shape, or into each of the nodes of one that has nodes in front.
    static void copy_body(const marginalia::Network& network) {
        const at::NoGradGuard no_grad;
        std::map<std::string, at::Tensor> marginals;
        for (const auto& [name, value] : network.named_parameters())
            if (name.starts_with("theta_")) marginals.emplace(name.substr(6), value);
        for (const auto& [name, value] : network.named_parameters()) {
            const auto own = name.starts_with("phi_") ? marginals.find(name.substr(4)) : marginals.end();
            if (own == marginals.end()) continue;
            const at::IntArrayRef shape = own->second.sizes();
            if (shape == value.sizes() || (!shape.empty() && shape.slice(1) == value.sizes())) own->second.copy_(value);
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
            throw marginalia::Error(
                "every parameter of the network serves its conditionals, which stage 2 leaves as they are; take a "
                "network with parameters of the marginals' own, such as bodies = 2");
    }

    RankedRows in_random_order(marginalia::TrainingStep& step, const at::Tensor& x) const {
        return {step, x, marginalia::random_orders(x.size(0), x.size(1), step.generator, x.device()),
                setup_.domain.categories};
    }

    // Rows, some of them in part the model's own.
    at::Tensor states(marginalia::TrainingStep& step) {
        const at::Tensor x = marginalia::training_states(step, setup_);
        if (own_ == 0) return x;
        if ((step.step - 1) % own_steps_ == 0 || !own_states_.defined())
            own_states_ = resampled(step, x.slice(0, 0, own_));
        return at::cat({own_states_, x.slice(0, own_)});
    }

    at::Tensor resampled(marginalia::TrainingStep& step, const at::Tensor& chosen) const {
        const at::NoGradGuard no_grad;
        const RankedRows ranked = in_random_order(step, chosen);
        const at::Tensor rank = ranked.rank, erased = stratified_sizes(ranked, step.generator) + 1;
        at::Tensor filled = chosen.masked_fill(rank < erased, setup_.domain.categories);
        for (std::int64_t pass = 1; pass <= resampling_; ++pass) {
            const at::Tensor logits = step.network.conditional_logits(filled);
            const at::Tensor drawn = marginalia::draw_conditionals(setup_.domain, logits, step.generator);
            const at::Tensor now = rank * (resampling_ * resampling_) < erased * (pass * pass);
            filled = at::where((filled == setup_.domain.categories) & now, drawn, filled);
        }
        return filled;
    }

    at::Tensor sum_rule(marginalia::TrainingStep& step, const at::Tensor& x) const {
        const at::Tensor order = marginalia::random_orders(x.size(0), x.size(1), step.generator, x.device());
        const RankedRows ranked(step, x, marginalia::positions_of_sites(order), setup_.domain.categories);
        const at::Tensor known = stratified_sizes(ranked, step.generator), site = ranked.site_at(known);
        const at::Tensor before = x.masked_fill(ranked.rank >= known, setup_.domain.categories);
        const at::Tensor symbol = x.gather(1, site);
        at::Tensor added;
        {
            const at::NoGradGuard no_grad;
            const at::Tensor logits = step.network.conditional_at(before, site.squeeze(1));
            added = marginalia::log_conditional(setup_.domain, logits.to(at::kFloat), symbol.squeeze(1));
        }
        return sum_rule_breach(step.network.log_marginal(with_one_more(before, site, symbol)), added);
    }

    at::Tensor pool_loss(marginalia::TrainingStep& step, const at::Tensor& x) {
        const auto [states, log_p] = pool_->advance(step, x, path_rows_);
        const at::Tensor error = (step.network.log_marginal(states) - log_p).square().mean();
        step.metrics["path_rmse"] = error.detach().sqrt();
        return error;
    }

    // Mean squared differences of log p_θ(x_S) from its estimates, of the sums and of their terms, in nats².
    at::Tensor path_loss(marginalia::TrainingStep& step, const at::Tensor& batch) {
        // Rows from all over the batch, whose first part is the model's own.
        const at::Tensor row = (at::arange(path_rows_, batch.options()) * batch.size(0)).floor_divide(path_rows_);
        const at::Tensor x = batch.index_select(0, row);
        const RankedRows ranked = in_random_order(step, x);
        const at::Tensor size = stratified_sizes(ranked, step.generator) + 1;
        // Spread evenly over the rows.
        const at::Tensor place = at::arange(x.size(0) + 1, x.options().dtype(at::kDouble)) * full_;
        const at::Tensor is_full = place.floor().diff().to(at::kBool).unsqueeze(1);
        const at::Tensor partial =
            x.masked_fill((ranked.rank >= size) & is_full.logical_not(), setup_.domain.categories);
        if (sites_ > 0 && marginalia::has_log_marginal_profile(step.network)) return profile_loss(step, partial);
        at::Tensor estimate;
        {
            const at::NoGradGuard no_grad;
            estimate =
                marginalia::estimate_log_density(step.network, partial, path_points_, step.generator).to(at::kFloat);
        }
        const at::Tensor error = (step.network.log_marginal(partial) - estimate).square().mean();
        step.metrics["path_rmse"] = error.detach().sqrt();
        return error;
    }

    at::Tensor profile_loss(marginalia::TrainingStep& step, const at::Tensor& x) {
        const at::Tensor v = points(x, step.generator);
        at::Tensor log_p, hidden;  // (B, m, D)
        {
            const at::NoGradGuard no_grad;
            const at::Tensor all = x.repeat_interleave(path_points_, 0);
            const at::Tensor places = v.flatten().clamp_max(most_known_);
            const at::Tensor states = marginalia::hide(all, places, setup_.domain.categories, step.generator);
            log_p = marginalia::log_probabilities(setup_.domain, step.network.conditional_logits(states), all)
                        .view({x.size(0), path_points_, x.size(1)});
            hidden = (states != all).view_as(log_p);
        }
        const at::Tensor unknown = (x == setup_.domain.categories).unsqueeze(1);
        const at::Tensor nodes = marginalia::log_marginal_profile(step.network, x);  // (B, D, M)
        const at::Tensor error = (log_p * hidden - profile_at(nodes, v)) * (hidden | unknown);
        const at::Tensor share = unknown.logical_not().sum(2) / hidden.sum(2).clamp_min(1).to(at::kFloat);  // s / |H|
        const auto over_sites = [&](const at::Tensor& e) { return (e * hidden).sum(2) * share + (e * unknown).sum(2); };
        const at::Tensor slope = (v * std::numbers::pi).sin() * (std::numbers::pi / 2);
        // L - log p_θ. The profile in it is a control variate, which does not learn: its own way to a smaller square is
        // biased.
        const at::Tensor missing = (slope * over_sites(error.detach())).mean(1);
        const at::Tensor marginal = (nodes * profile_weights(nodes)).sum({1, 2});
        const at::Tensor whole = (missing + marginal.detach() - marginal).square().mean();
        step.metrics["path_rmse"] = whole.detach().sqrt();
        return whole + sites_ * over_sites(error.square()).mean();
    }

    // The weights of the nodes of profiles (B, D, M), on the device from the first step on.
    const at::Tensor& profile_weights(const at::Tensor& profile) {
        if (!profile_weights_.defined())
            profile_weights_ = marginalia::to_device(marginalia::profile_weights(profile.size(2)), profile.device());
        return profile_weights_;
    }

    // Places in [0, 1] of the points of each row, spread evenly over its points and, for each of these, over the rows:
    // (B, m).
    at::Tensor points(const at::Tensor& x, at::Generator& generator) const {
        const at::TensorOptions floats = at::TensorOptions().device(x.device());
        const at::Tensor row = at::randperm(x.size(0), generator, floats.dtype(at::kFloat)).unsqueeze(1);
        const at::Tensor inside =
            (row + at::rand({x.size(0), path_points_}, generator, floats)) / static_cast<double>(x.size(0));
        return (at::arange(path_points_, floats) + inside) / static_cast<double>(path_points_);
    }

    // Profiles (B, D, M) at v (B, m): (B, m, D).
    static at::Tensor profile_at(const at::Tensor& profile, const at::Tensor& v) {
        const at::Tensor nodes = profile.transpose(1, 2);  // (B, M, D)
        const at::Tensor place = v * static_cast<double>(nodes.size(1) - 1);
        const at::Tensor below = place.to(at::kLong).clamp_max(nodes.size(1) - 2);
        const auto node = [&](const at::Tensor& number) {
            return nodes.gather(1, number.unsqueeze(2).expand({-1, -1, nodes.size(2)}));
        };
        return at::lerp(node(below), node(below + 1), (place - below).unsqueeze(2));
    }

    const marginalia::TrainingSetup setup_;
    const double lambda_;
    const std::int64_t own_;  // rows
    const std::int64_t resampling_;
    const std::int64_t own_steps_;
    const std::int64_t path_rows_;
    const std::int64_t path_points_;
    const double full_;
    const double most_known_;  // the largest v of a partial state
    const double sites_;
    const bool copy_body_;
    bool frozen_ = false;
    at::Tensor profile_weights_;
    std::optional<marginalia::PathPool> pool_;
    at::Tensor own_states_;  // of the last steps; not defined before the first
};

}  // namespace

MARGINALIA_OBJECTIVE(Distillation, "mam-distill", "marginals from fixed conditionals: stage 2 of maximum likelihood",
                     manual, parameters, "states");
