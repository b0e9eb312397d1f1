#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <marginalia/objective.h>
#include <marginalia/orders.h>

#include "../finite_log_f.h"
#include "../learned-order/learned_order.h"

namespace {

using marginalia::Parameter;
using marginalia::ParameterType;

constexpr Parameter parameters[] = {
    {.name = "policy",
     .type = ParameterType::text,
     .fallback = "\"forward\"",
     .choices = "forward|backward",
     .help = "trajectories of the model itself, or backward from the sampler's states along random orders"},
    {.name = "transitions",
     .type = ParameterType::integer,
     .fallback = "0",
     .minimum = 0,
     .maximum = 1e9,
     .unit = "transitions",
     .help = "of each trajectory that are differentiated a step, a random choice that stands for all D; 0: all"},
    learned_order::trajectories_parameter,
};

constexpr const char* manual = R"(A generative flow network over partial states, trained by trajectory balance. An
action picks an unknown site and a value for it, so the order is learned, as in EB-GFN, the published baseline on
discrete data:

    P_F(d, k | x_S) = softmax over all values of all unknown sites of the conditional logits
    loss = E_τ[(log Z + sum of log P_F along τ - log P_B(τ | x) - log f(x))²]

The backward policy is uniform, P_B = 1 / D! (the baseline learns it), and log Z is learned: it begins at its estimate
from the first batch and takes steps ten times the network's. With a uniform P_B the optimal P_F chooses sites evenly,
so that an any-order network is in the right family. Trajectories are the model's own or, with policy "backward", undo
states of the sampler in random order (off-policy; EB-GFN mixes both). A step walks D passes without gradient, which
give the exact imbalance; its gradient may be taken of `transitions` of the D, times D / transitions, without bias.

The density of a state is a sum over D! orders. Evaluation gives upper bounds of the KL and of the NLL from
`trajectories` orders a state (kl_bound, nll_bits_bound). Records `loss` (nats²), `log_z_estimate` and `imbalance_std`
(nats).

References: N. Malkin et al., Trajectory balance: improved credit assignment in GFlowNets, NeurIPS 2022 (arXiv
2201.13259). D. Zhang et al., Generative flow networks for discrete probabilistic modeling, ICML 2022 (arXiv
2202.01361).)";

class TrajectoryBalance final : public learned_order::Balance {
public:
    TrajectoryBalance(const marginalia::Params& params, const marginalia::TrainingSetup& setup)
        : Balance(params, setup), forward_(params.text("policy") == "forward"),
          transitions_(params.integer("transitions") == 0
                           ? setup.domain.sites
                           : std::min(params.integer("transitions"), setup.domain.sites)) {}

    at::Tensor loss(marginalia::TrainingStep& step) override {
        const auto drawn = forward_ ? on_policy(step) : backward(step);
        step.energy->start(drawn.x);  // runs while the network does
        const at::Tensor position =
            marginalia::random_sites(drawn.x.size(0), setup_.domain.sites, transitions_, step.generator, setup_.device);
        const at::Tensor log_forward =
            learned_order::log_transitions(step.network, drawn.x, drawn.order, position).sum(1) *
            (static_cast<double>(setup_.domain.sites) / static_cast<double>(transitions_));

        const at::Tensor constant = drawn.log_p - learned_order::log_backward(setup_.domain.sites) - finite_log_f(step);
        if (step.step == 1) log_z_.begin_at(-constant.mean());
        const at::Tensor log_z = log_z_.value();
        const at::Tensor imbalance = (log_z + constant).detach();
        // The gradient of the squared imbalance, whose value the metric tells.
        const at::Tensor surrogate = (2 * imbalance * (log_z + log_forward)).mean();
        step.metrics = {{"loss", imbalance.square().mean()},
                        {"log_z_estimate", log_z.detach()},
                        {"imbalance_std", imbalance.std()}};
        return surrogate;
    }

    bool trains_marginals() const override { return false; }

private:
    learned_order::Trajectories on_policy(marginalia::TrainingStep& step) const {
        const at::NoGradGuard no_grad;
        return learned_order::draw(step.network, setup_.batch, step.generator, [] {});
    }

    learned_order::Trajectories backward(marginalia::TrainingStep& step) const {
        const at::Tensor x = marginalia::training_states(step, setup_);
        const at::NoGradGuard no_grad;
        const at::Tensor order = marginalia::random_orders(x.size(0), x.size(1), step.generator, x.device());
        return {x, order, learned_order::log_forward(step.network, x, order, [] {})};
    }

    const bool forward_;
    const std::int64_t transitions_;
};

}  // namespace

MARGINALIA_OBJECTIVE(TrajectoryBalance, "gflownet-tb", "GFlowNet of learned order from an energy: trajectory balance",
                     manual, parameters, "energy");
