#include <ATen/ATen.h>
#include <marginalia/objective.h>
#include <marginalia/orders.h>
#include <marginalia/site_terms.h>

#include "../any_order.h"

namespace {

using marginalia::Parameter;
using marginalia::ParameterType;

constexpr Parameter parameters[] = {
    {.name = "penalty",
     .type = ParameterType::number,
     .fallback = "0.1",
     .minimum = 0,
     .maximum = 1e9,
     .help = "λ, the weight of the sum rule"},
    {.name = "follow",
     .type = ParameterType::boolean,
     .fallback = "true",
     .help = "the marginals alone follow the sum rule; false: the conditionals are pulled by it as well"},
};

constexpr const char* manual = R"(A marginalization model from data in one stage: the any-order likelihood of `ao-arm`
and the sum rule together, from the same pass of the conditionals. The alternative is two stages: `ao-arm`, then
`mam-distill`.

    loss = E[ -D / |U| * sum over k in U of log p_φ(x_k | x_S)
              + λ D (log p_θ(x_S) + log p_φ(x_d | x_S) - log p_θ(x_S ∪ d))² ]

S is the first part of a random order, its size stratified over the batch, U the other sites, d the next of the order. λ
weighs squared errors over all D links against nats of likelihood. With `follow` the sum rule does not pull on p_φ,
though a body that both heads share feels it. Sites may hold real numbers, and rows may lack cells, as for `ao-arm`.
Records `loss` (the likelihood's part, nats a row), `train_bits` (bits a
site) and `penalty` (nats²).

References: S. Liu, P. J. Ramadge, R. P. Adams, Generative marginalization models, ICML 2024 (arXiv 2310.12920), sec.
4.1. E. Hoogeboom et al., Autoregressive diffusion models, ICLR 2022 (arXiv 2110.02037).)";

class JointLikelihood final : public marginalia::Objective {
public:
    JointLikelihood(const marginalia::Params& params, const marginalia::TrainingSetup& setup)
        : setup_(setup), lambda_(params.number("penalty")), follow_(params.boolean("follow")) {}

    at::Tensor loss(marginalia::TrainingStep& step) override {
        const at::Tensor x = marginalia::training_states(step, setup_);
        const at::Tensor order = marginalia::random_orders(x.size(0), x.size(1), step.generator, x.device());
        const RankedRows ranked(step, x, marginalia::positions_of_sites(order), setup_.domain.categories);
        const PartlyKnown rows(ranked, setup_.domain.categories, step.generator);
        const at::Tensor logits = step.network.conditional_logits(rows.before);
        const at::Tensor log_p = marginalia::log_probabilities(setup_.domain, logits, x);
        const at::Tensor likelihood = any_order_likelihood(step, rows, log_p);
        if (!trains_marginals() || step.network.consistent()) return likelihood;

        const at::Tensor site = ranked.site_at(rows.known);
        const at::Tensor added = (follow_ ? log_p.detach() : log_p).gather(1, site).squeeze(1);
        const at::Tensor states = with_one_more(rows.before, site, x.gather(1, site));
        const at::Tensor penalty = sum_rule_breach(step.network.log_marginal(states), added);
        step.metrics["penalty"] = penalty.detach();
        return likelihood + lambda_ * static_cast<double>(setup_.domain.sites) * penalty;
    }

    bool trains_marginals() const override { return lambda_ > 0; }
    bool takes_mixed_sites() const override { return true; }

private:
    const marginalia::TrainingSetup setup_;
    const double lambda_;
    const bool follow_;
};

}  // namespace

MARGINALIA_OBJECTIVE(JointLikelihood, "mam-joint", "marginalization model by likelihood and sum rule at once", manual,
                     parameters, "states");
