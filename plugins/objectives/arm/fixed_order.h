// Autoregressive models of the fixed order 0..D-1, trained from an energy by REINFORCE: what `arm` and `arm-mc` share.
#pragma once

#include <marginalia/objective.h>
#include <marginalia/orders.h>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <memory>

#include "../finite_log_f.h"

// Where the log p_φ(x) in the weight log p_φ - log f comes from.
enum class Weight {
    exact,        // the sampler, or all D conditionals
    same,         // the sites whose conditionals carry the gradient
    independent,  // as many other sites, by a second pass
};

class FixedOrder : public marginalia::Objective {
public:
    // `terms`: sites a step that carry the gradient, at random, times D / terms; 0: all. Throws Error for a batch of 1.
    FixedOrder(const marginalia::TrainingSetup& setup, std::int64_t terms, Weight weight)
        : setup_(setup), terms_(terms == 0 ? setup.domain.sites : std::min(terms, setup.domain.sites)),
          weight_(weight) {
        if (setup.batch < 2)
            throw marginalia::Error("batch 1 leaves nothing after the baseline; give train.batch >= 2");
    }

    at::Tensor loss(marginalia::TrainingStep& step) override {
        const at::Tensor x = marginalia::training_states(step, setup_);
        step.energy->start(x);
        at::Tensor log_p = weight_ == Weight::exact ? step.sampler->log_density() : at::Tensor();
        if (step.step == check_step && log_p.defined()) check_order(step, x, log_p);
        const at::Tensor sum = sum_of_terms(step, x);
        if (!log_p.defined()) log_p = density(step, x, sum);

        const at::Tensor log_ratio = log_p - finite_log_f(step);
        const at::Tensor mean = log_ratio.mean();
        const at::Tensor surrogate = ((log_ratio - mean).to(sum.dtype()) * sum).mean();
        step.metrics = {{"loss", mean}, {"log_ratio_std", log_ratio.std()}};
        return surrogate;
    }

    std::unique_ptr<marginalia::Model> model(const marginalia::Network& network, at::Generator&,
                                             const marginalia::Tick&) const override {
        return marginalia::fixed_order_model(network);
    }

    bool trains_marginals() const override { return false; }

private:
    static constexpr std::int64_t check_step = 20;  // networks begin uniform, when every order has the same density

    // A sampler of another order gives states and densities of another model.
    static void check_order(marginalia::TrainingStep& step, const at::Tensor& x, const at::Tensor& log_p) {
        const at::NoGradGuard no_grad;
        const at::Tensor forward = forward_density(step.network, x);
        step.doubts.push_back({(log_p - forward).abs().sub(forward.abs(), 1e-3).max(), wrong_order});
    }

    static std::string wrong_order(double gap) {
        if (gap <= 1e-2) return "";
        return "the sampler's states do not have the density of site order 0, 1, 2, ...; give the sampler 'ancestral' "
               "order = \"forward\"";
    }

    // log p_φ of full states, by a pass a site.
    static at::Tensor forward_density(const marginalia::Network& network, const at::Tensor& x) {
        const at::Tensor order = at::arange(x.size(1), x.options()).expand_as(x);
        return marginalia::log_density_along(network, x, order, [] {}, x.size(1));
    }

    at::Tensor chosen_sites(const at::Tensor& x, at::Generator& generator) const {
        const std::int64_t sites = setup_.domain.sites;
        if (terms_ == sites) return at::arange(sites, x.options()).expand({x.size(0), sites});
        return marginalia::random_sites(x.size(0), sites, terms_, generator, x.device());
    }

    // log p_φ(x_d | x_<d) at the chosen sites: (B, terms), from one pass.
    at::Tensor conditionals(const marginalia::Network& network, const at::Tensor& x, const at::Tensor& sites) const {
        const at::Tensor place = at::arange(setup_.domain.sites, x.options());
        const at::Tensor before = x.unsqueeze(1).masked_fill(place >= sites.unsqueeze(2), setup_.domain.categories);
        const at::Tensor logits = network.conditional_at(before.flatten(0, 1), sites.flatten());
        return logits.log_softmax(1).gather(1, x.gather(1, sites).view({-1, 1})).view(sites.sizes());
    }

    // (D / terms) times the sum of log p_φ(x_d | x_<d) over the chosen sites: (B).
    at::Tensor sum_of_terms(marginalia::TrainingStep& step, const at::Tensor& x) const {
        const at::Tensor sites = chosen_sites(x, step.generator);  // (B, terms)
        return conditionals(step.network, x, sites).sum(1) *
               (static_cast<double>(setup_.domain.sites) / static_cast<double>(terms_));
    }

    // log p_φ(x) where the sampler does not know it, or its estimate: the sum just computed if it is whole or serves
    // twice.
    at::Tensor density(marginalia::TrainingStep& step, const at::Tensor& x, const at::Tensor& sum) const {
        if (terms_ == setup_.domain.sites || weight_ == Weight::same) return sum.detach().to(at::kDouble);
        const at::NoGradGuard no_grad;
        if (weight_ == Weight::independent) return sum_of_terms(step, x).to(at::kDouble);
        return forward_density(step.network, x);
    }

    const marginalia::TrainingSetup setup_;
    const std::int64_t terms_;
    const Weight weight_;
};
