#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <marginalia/model.h>
#include <marginalia/objective.h>
#include <marginalia/orders.h>

#include "../finite_log_f.h"

namespace {

using marginalia::Parameter;
using marginalia::ParameterType;

constexpr Parameter parameters[] = {
    {.name = "terms", .type = ParameterType::integer, .fallback = "8", .minimum = 0, .maximum = 1e9, .unit = "sites",
     .help = "conditionals of each state that are differentiated a step, a random choice that stands for all D; 0: all"},
    {.name = "penalty", .type = ParameterType::number, .fallback = "0.1", .minimum = 0, .maximum = 1e9,
     .help = "λ, the weight of the marginals' self-consistency; 0 trains the conditionals alone"},
};

constexpr const char* manual = R"(
Energy-based training of an any-order model on its own states: KL from the model to the target, along random orders, by
REINFORCE on the conditionals.

    KL         E_σ E_x[ log p_φ(x | σ) - log f(x) ] + log Z,    x ~ p_φ(. | σ) drawn site by site, σ uniform
    gradient   E[ (log p_φ(x | σ) - log f(x) - baseline) ∇ sum over t of log p_φ(x_σ(t) | x_σ(<t)) ],  baseline the batch mean
    penalty    λ D E[(log p_θ(x_σ(<t)) + log p_φ(x_σ(t) | x_σ(<t)) - log p_θ(x_σ(<=t)))²],    p_φ held fixed

`mam-energy`, the published method, differentiates log p_θ(x) instead and leaves it to the penalty to bring the conditionals along; here they
learn at first hand and the marginals follow them, as in `mam-heat-bath`. The weight is that of the whole path, known from
drawing it, so that `terms` of its D conditionals, times D / terms, stand for all without bias, and the noise of that vanishes
with the weight. What is minimised is `free_energy` up to log Z.

The divergence punishes states that the target has not, and forgives those that the model has not: use it for what `mam-heat-bath`, whose
divergence is the other one, has trained ([stage1]), where that model's states are too often far off a sharp target. By itself it
begins at random states, finds the nearest mode and stays. Draws its own states: D passes a step; a sampler is not asked.
Records `loss` (mean of log p_φ - log f), `log_ratio_std` (nats, 0 for a perfect model) and `penalty` (nats²).

References: R. J. Williams, Simple statistical gradient-following algorithms, Mach. Learn. 8, 229 (1992). S. Liu, P. J. Ramadge,
R. P. Adams, Generative marginalization models, ICML 2024 (arXiv 2310.12920), sec. 4.2.
)";

class ReverseKl final : public marginalia::Objective {
public:
    ReverseKl(const marginalia::Params& params, const marginalia::TrainingSetup& setup)
        : setup_(setup),
          terms_(params.integer("terms") == 0 ? setup.domain.sites : std::min(params.integer("terms"), setup.domain.sites)),
          lambda_(params.number("penalty")) {
        if (setup.batch < 2) throw marginalia::Error("batch 1 leaves nothing after the baseline; give train.batch >= 2");
    }

    at::Tensor loss(marginalia::TrainingStep& step) override {
        const at::Tensor order = marginalia::random_orders(setup_.batch, setup_.domain.sites, step.generator, setup_.device);
        const marginalia::Generated drawn = own_states(step, order);
        step.energy->start(drawn.x);  // runs while the network does
        const Links links = chosen_links(drawn.x, order, step.generator);
        const at::Tensor log_p = step.network.conditional_at(links.before, links.site).log_softmax(1).gather(1, links.symbol).squeeze(1);

        const at::Tensor log_ratio = drawn.log_p - finite_log_f(step.energy->finish());
        const at::Tensor mean = log_ratio.mean();
        const at::Tensor advantage = (log_ratio - mean).to(log_p.dtype()).repeat_interleave(terms_);
        const at::Tensor divergence = (advantage * log_p).mean() * static_cast<double>(setup_.domain.sites);
        step.metrics = {{"loss", mean}, {"log_ratio_std", log_ratio.std()}};
        if (!trains_marginals() || step.network.consistent()) return divergence;

        const at::Tensor penalty = inconsistency(step.network, links, log_p.detach());
        step.metrics["penalty"] = penalty.detach();
        return divergence + lambda_ * static_cast<double>(setup_.domain.sites) * penalty;
    }

    bool trains_marginals() const override { return lambda_ > 0; }

private:
    // Of each state `terms` links of its path, one after another: M = B terms.
    struct Links {
        at::Tensor before;  // (M, D) x_σ(<t)
        at::Tensor site;    // (M) σ(t)
        at::Tensor symbol;  // (M, 1) x_σ(t)
    };

    marginalia::Generated own_states(const marginalia::TrainingStep& step, const at::Tensor& order) const {
        const at::NoGradGuard no_grad;
        return marginalia::generate_along(step.network, order, step.generator, [] {});
    }

    Links chosen_links(const at::Tensor& x, const at::Tensor& order, at::Generator& generator) const {
        const std::int64_t rows = x.size(0), sites = x.size(1);
        const at::Tensor rank = at::empty_like(order).scatter_(1, order, at::arange(sites, order.options()).expand_as(order));
        const at::Tensor position = marginalia::random_sites(rows, sites, terms_, generator, x.device());
        const at::Tensor before =
            x.unsqueeze(1).masked_fill(rank.unsqueeze(1) >= position.unsqueeze(2), setup_.domain.categories).flatten(0, 1);
        const at::Tensor site = order.gather(1, position);
        return {before, site.flatten(), x.gather(1, site).view({-1, 1})};
    }

    // Mean squared breach of the sum rule on one link of each state, in nats².
    at::Tensor inconsistency(const marginalia::Network& network, const Links& links, const at::Tensor& log_p) const {
        const auto few = [&](const at::Tensor& all) { return all.slice(0, 0, all.size(0), terms_); };
        const at::Tensor before = few(links.before);
        const at::Tensor after = before.scatter(1, few(links.site).unsqueeze(1), few(links.symbol));
        const at::Tensor marginal = network.log_marginal(at::cat({before, after}));
        return (marginal.slice(0, 0, setup_.batch) + few(log_p) - marginal.slice(0, setup_.batch)).square().mean();
    }

    const marginalia::TrainingSetup setup_;
    const std::int64_t terms_;
    const double lambda_;
};

}  // namespace

MARGINALIA_OBJECTIVE(ReverseKl, "mam-reverse-kl", "marginalization model from an energy: REINFORCE along its own random orders", manual,
                     parameters, "energy");
