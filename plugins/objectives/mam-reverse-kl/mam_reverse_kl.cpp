#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <marginalia/host.h>
#include <marginalia/model.h>
#include <marginalia/objective.h>
#include <marginalia/orders.h>

#include "../any_order.h"
#include "../finite_log_f.h"

namespace {

using marginalia::Parameter;
using marginalia::ParameterType;

constexpr Parameter parameters[] = {
    {.name = "siblings",
     .type = ParameterType::integer,
     .fallback = "4",
     .minimum = 2,
     .maximum = 1e9,
     .unit = "states",
     .help = "completions of each partial state, whose mean is its baseline; they divide train.batch"},
    {.name = "terms",
     .type = ParameterType::integer,
     .fallback = "4",
     .minimum = 1,
     .maximum = 1e9,
     .unit = "sites",
     .help = "conditionals of each completion that are differentiated a step, a random choice that stands for all"},
    {.name = "anneal_from",
     .type = ParameterType::number,
     .fallback = "1.0",
     .minimum = 1e-9,
     .maximum = 1,
     .help = "the target is f to this power at first, rising to 1 evenly in its logarithm; 1: f throughout"},
    {.name = "anneal_steps",
     .type = ParameterType::integer,
     .fallback = "1000",
     .minimum = 1,
     .maximum = 1e12,
     .unit = "steps",
     .help = "steps of this rise"},
    {.name = "penalty",
     .type = ParameterType::number,
     .fallback = "0.1",
     .minimum = 0,
     .maximum = 1e9,
     .help = "λ, the weight of the marginals' self-consistency; 0 trains the conditionals alone"},
};

constexpr const char* manual = R"(Energy-based training of an any-order model on its own states: KL from its completions
of partial states to the target's, by REINFORCE on the conditionals.

    KL         E_S E_σ E_x[ log p_φ(x_U | x_S, σ) - log f(x) ] + const.,   x_U drawn by p_φ along a random order σ of
               the unknown sites U
    gradient   E[ (log p_φ(x_U | x_S, σ) - log f(x) - baseline) ∇ sum over t of log p_φ(x_σ(t) | x_S, x_σ(<t)) ]
    penalty    λ D E[(log p_θ(x_S) + log p_φ(x_d | x_S) - log p_θ(x_S ∪ d))²],    p_φ held fixed

The partial states are those of persistent states of the model: each step erases r random sites of every state, the same
r for all, log-uniform over 1..D, completes each `siblings` times, and goes on with one of them (block Gibbs, arXiv
2310.12920, sec. 4.2, with blocks of all sizes). For every S the minimum is p*(x_U | x_S), so that together they have
the target as their minimum, as whole states (r = D) alone do; small blocks cost r passes in place of D (about D / log D
on average), and their weights vary little. The baseline is the mean of the other siblings. The weight is that of all r
draws, so that `terms` of their conditionals represent all without bias.

`mam-energy`, the published method, differentiates log p_θ(x), in one pass a step besides the sampler's, and leaves it
to the penalty to bring the conditionals along. Here the conditionals learn directly and the marginals follow them, as
in `mam-heat-bath`. That objective's divergence, KL(p* || p_φ), hardly minds states that the target does not have; this
one punishes them, and forgives those that the model does not have. Use it for a model that `mam-heat-bath` has trained
([stage1]; experiments/table5.toml) and whose states are too often far off a sharp target. By itself it begins at random
states, finds the nearest mode and stays.

States far off a sharp target cost a hundred nats each, and the quickest way out is to give up most states. With
`anneal_from` the target is f^β, β rising from there to 1 within `anneal_steps`, which leaves the model time to learn
finer means.

It draws its own states; a sampler is not asked. Records `loss` (mean of log p_φ(x_U | x_S) - log f(x) of the step's
blocks), `mean_log_f` (of the persistent states), `log_ratio_std` (nats, between siblings, 0 for a perfect model) and
`penalty` (nats²).

References: R. J. Williams, Simple statistical gradient-following algorithms, Mach. Learn. 8, 229 (1992). W. Kool, H.
van Hoof, M. Welling, Buy 4 REINFORCE samples, get a baseline for free, ICLR workshop 2019. S. Liu, P. J. Ramadge, R. P.
Adams, Generative marginalization models, ICML 2024 (arXiv 2310.12920), sec. 4.2.)";

class ReverseKl final : public marginalia::Objective {
public:
    ReverseKl(const marginalia::Params& params, const marginalia::TrainingSetup& setup)
        : setup_(setup), siblings_(params.integer("siblings")), terms_(params.integer("terms")),
          anneal_from_(params.number("anneal_from")),
          anneal_steps_(static_cast<double>(params.integer("anneal_steps"))), lambda_(params.number("penalty")) {
        if (setup.batch % siblings_ != 0)
            throw marginalia::Error("siblings = " + std::to_string(siblings_) + " do not divide train.batch = " +
                                    std::to_string(setup.batch) + "; give a batch that is a multiple of them");
    }

    at::Tensor loss(marginalia::TrainingStep& step) override {
        const std::int64_t erased = block_size(step.host_generator), terms = std::min(terms_, erased);
        const at::Tensor order = block_orders(erased, step.generator);  // (B, D), the block first
        const marginalia::Generated drawn = completed(step, order, erased);
        step.energy->start(drawn.x);  // runs while the network does
        const Links links = chosen_links(drawn.x, order, erased, terms, step.generator);
        const at::Tensor log_p =
            step.network.conditional_at(links.before, links.site).log_softmax(1).gather(1, links.symbol).squeeze(1);

        const at::Tensor log_f = finite_log_f(step), log_ratio = drawn.log_p - power(step.step) * log_f;
        const at::Tensor deviation =
            (log_ratio.view({-1, siblings_}) - log_ratio.view({-1, siblings_}).mean(1, true)).flatten();
        // Less the mean of the others is n / (n - 1) times the deviation from the mean of all.
        const double others = static_cast<double>(siblings_) / static_cast<double>(siblings_ - 1);
        const at::Tensor advantage = (others * deviation).to(log_p.dtype()).repeat_interleave(terms);
        const at::Tensor divergence = (advantage * log_p).mean() * static_cast<double>(erased);
        step.metrics = {{"loss", log_ratio.mean()},
                        {"mean_log_f", log_f.mean()},
                        {"log_ratio_std", (deviation.square().mean() * others).sqrt()}};
        if (!trains_marginals() || step.network.consistent()) return divergence;

        const at::Tensor penalty = inconsistency(step.network, links, terms, log_p.detach());
        step.metrics["penalty"] = penalty.detach();
        return divergence + lambda_ * static_cast<double>(setup_.domain.sites) * penalty;
    }

    bool trains_marginals() const override { return lambda_ > 0; }

    marginalia::StateDict state() const override {
        if (!states_.defined()) return {};
        return {{"states", states_.to(at::kByte)}};
    }
    void load(const marginalia::StateDict& state) override {
        states_ = state.contains("states") ? marginalia::saved_states(state, "states", setup_.domain).to(setup_.device)
                                           : at::Tensor();
    }

private:
    // Of each completion `terms` links of its path, one after another: M = B terms.
    struct Links {
        at::Tensor before;  // (M, D) what was known
        at::Tensor site;    // (M) the next site
        at::Tensor symbol;  // (M, 1) what was drawn there
    };

    double power(std::int64_t step) const {
        return std::pow(anneal_from_, 1 - std::min(1.0, static_cast<double>(step - 1) / anneal_steps_));
    }

    // Log-uniform over 1..D; D while there are no states yet.
    std::int64_t block_size(at::Generator& host) const {
        if (!states_.defined()) return setup_.domain.sites;
        const double u = marginalia::host_uniform(host);
        const double size = std::exp(u * std::log(static_cast<double>(setup_.domain.sites) + 1));
        return std::clamp(static_cast<std::int64_t>(size), std::int64_t{1}, setup_.domain.sites);
    }

    // A random block for each persistent state, drawn in another order by each of its siblings; the known sites behind.
    at::Tensor block_orders(std::int64_t erased, at::Generator& generator) const {
        const std::int64_t groups = setup_.batch / siblings_, sites = setup_.domain.sites;
        const at::Tensor all =
            marginalia::random_orders(groups, sites, generator, setup_.device).repeat_interleave(siblings_, 0);
        const at::Tensor shuffled = marginalia::random_orders(setup_.batch, erased, generator, setup_.device);
        return at::cat({all.slice(1, 0, erased).gather(1, shuffled), all.slice(1, erased)}, 1);
    }

    marginalia::Generated completed(const marginalia::TrainingStep& step, const at::Tensor& order,
                                    std::int64_t erased) {
        const at::NoGradGuard no_grad;
        at::Tensor x = at::full_like(order, setup_.domain.categories);
        if (states_.defined())
            x = states_.repeat_interleave(siblings_, 0).scatter(1, order.slice(1, 0, erased), setup_.domain.categories);
        const marginalia::Generated drawn =
            marginalia::complete_along(step.network, x, order, step.generator, [] {}, erased);
        states_ = drawn.x.slice(0, 0, setup_.batch, siblings_).clone();
        return drawn;
    }

    Links chosen_links(const at::Tensor& x, const at::Tensor& order, std::int64_t erased, std::int64_t terms,
                       at::Generator& generator) const {
        const std::int64_t rows = x.size(0);
        const at::Tensor place = marginalia::positions_of_sites(order);
        const at::Tensor rank = place.masked_fill(place >= erased, -1);  // the known sites before all
        const at::Tensor position = marginalia::random_sites(rows, erased, terms, generator, x.device());
        const at::Tensor before = x.unsqueeze(1)
                                      .masked_fill(rank.unsqueeze(1) >= position.unsqueeze(2), setup_.domain.categories)
                                      .flatten(0, 1);
        const at::Tensor site = order.gather(1, position);
        return {before, site.flatten(), x.gather(1, site).view({-1, 1})};
    }

    // Mean squared breach of the sum rule on one link of each completion, in nats².
    at::Tensor inconsistency(const marginalia::Network& network, const Links& links, std::int64_t terms,
                             const at::Tensor& log_p) const {
        const auto few = [&](const at::Tensor& all) { return all.slice(0, 0, all.size(0), terms); };
        const at::Tensor states = with_one_more(few(links.before), few(links.site).unsqueeze(1), few(links.symbol));
        return sum_rule_breach(network.log_marginal(states), few(log_p));
    }

    const marginalia::TrainingSetup setup_;
    const std::int64_t siblings_, terms_;
    const double anneal_from_, anneal_steps_;
    const double lambda_;
    at::Tensor states_;  // (B / siblings, D), persistent; not defined before the first step
};

}  // namespace

MARGINALIA_OBJECTIVE(ReverseKl, "mam-reverse-kl",
                     "marginalization model from an energy: REINFORCE on its own completions", manual, parameters,
                     "energy");
