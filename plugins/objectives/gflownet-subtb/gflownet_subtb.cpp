#include <cmath>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <marginalia/host.h>
#include <marginalia/objective.h>
#include <marginalia/orders.h>

#include "../finite_log_f.h"
#include "../learned-order/learned_order.h"

namespace {

using marginalia::Parameter;
using marginalia::ParameterType;

constexpr Parameter parameters[] = {
    {.name = "length",
     .type = ParameterType::integer,
     .fallback = "8",
     .minimum = 1,
     .maximum = 1e6,
     .unit = "transitions",
     .help = "longest piece of a trajectory that is balanced, at most D; 1 is detailed balance"},
    learned_order::trajectories_parameter,
};

constexpr const char* manual = R"(A generative flow network over partial states, trained on pieces of trajectories. The
policy is that of `gflownet-tb`; the marginal head gives the flows:

    log F(x_S) = log Z + log p_θ(x_S) - log binomial(D, |S|),      F(x) = f(x) for full states
    loss = E[(log F(s_i) + sum of log P_F(s_t+1 | s_t) - log F(s_j) - sum of log P_B(s_t | s_t+1))²],   i <= t < j

With the uniform backward policy P_B(s_t | s_t+1) = 1 / (t + 1) the flow through a partial state is its marginal spread
evenly over the binomial(D, |S|) sets of its size. At the optimum p_θ is therefore the target's marginal and P_F chooses
sites evenly; but the flows are learned far less sharply than by the sum rule of `mam-energy` (experiments/table4.md).

Pieces have a length of 1 to `length`, uniformly (not the published weights λ^length), and begin anywhere; half of them
end in the full state, where the energy is. They lie on random orders of the sampler's states, as the squared error
holds off-policy. A step is one pass over `length` states of each piece and one over its two ends. log Z is learned,
starting from the first batch's estimate. Evaluation gives bounds from `trajectories` orders a state, as in
`gflownet-tb`. Records `loss` (nats²) and `log_z_estimate`.

References: K. Madan et al., Learning GFlowNets from partial episodes for improved convergence and stability, ICML 2023
(arXiv 2209.12782). Y. Bengio et al., GFlowNet foundations, J. Mach. Learn. Res. 24 (2023).)";

class SubTrajectoryBalance final : public learned_order::Balance {
public:
    SubTrajectoryBalance(const marginalia::Params& params, const marginalia::TrainingSetup& setup)
        : Balance(params, setup), length_(std::min(params.integer("length"), setup.domain.sites)) {}

    at::Tensor loss(marginalia::TrainingStep& step) override {
        const std::int64_t sites = setup_.domain.sites, categories = setup_.domain.categories;
        const at::Tensor x = marginalia::training_states(step, setup_);
        step.energy->start(x);
        const std::int64_t rows = x.size(0);
        const at::Tensor order = marginalia::random_orders(rows, sites, step.generator, x.device());
        const std::int64_t length = marginalia::host_integer(1, length_ + 1, step.host_generator);
        at::Tensor begin = at::randint(sites - length + 1, {rows, 1}, step.generator, x.options());
        const at::Tensor to_end = at::rand({rows, 1}, step.generator, at::TensorOptions().device(x.device())) < 0.5;
        begin = begin.masked_fill(to_end, sites - length);

        const at::Tensor position = begin + at::arange(length, x.options());
        const at::Tensor log_forward = learned_order::log_transitions(step.network, x, order, position).sum(1);
        const at::Tensor log_backward = -(position + 1).to(at::kDouble).log().sum(1);
        const at::Tensor end = begin + length, whole = (end == sites).squeeze(1);
        const at::Tensor rank = marginalia::positions_of_sites(order);
        const at::Tensor flows = step.network.log_marginal(
            at::cat({x.masked_fill(rank >= begin, categories), x.masked_fill(rank >= end, categories)}));
        const at::Tensor log_f = finite_log_f(step);
        if (step.step == 1) log_z_.begin_uniform(log_f, setup_.domain);
        const at::Tensor log_z = log_z_.value();
        const at::Tensor first = log_z + flows.slice(0, 0, rows) - log_subsets(begin);
        const at::Tensor last = at::where(whole, log_f, log_z + flows.slice(0, rows) - log_subsets(end));
        const at::Tensor loss = (first + log_forward - last - log_backward).square().mean();
        step.metrics = {{"loss", loss.detach()}, {"log_z_estimate", log_z.detach()}};
        return loss;
    }

private:
    // log binomial(D, size): (B) float64 from (B, 1).
    at::Tensor log_subsets(const at::Tensor& size) const {
        const auto sites = static_cast<double>(setup_.domain.sites);
        const at::Tensor n = size.squeeze(1).to(at::kDouble);
        return std::lgamma(sites + 1) - (n + 1).lgamma() - (sites - n + 1).lgamma();
    }

    const std::int64_t length_;
};

}  // namespace

MARGINALIA_OBJECTIVE(SubTrajectoryBalance, "gflownet-subtb",
                     "GFlowNet of learned order from an energy: sub-trajectory balance", manual, parameters,
                     "energy sampler");
