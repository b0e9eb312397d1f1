#include <numbers>

#include <ATen/ATen.h>
#include <marginalia/host.h>
#include <marginalia/objective.h>
#include <marginalia/orders.h>

#include "../any_order.h"
#include "../learned-order/learned_order.h"

namespace {

using marginalia::Parameter;
using marginalia::ParameterType;

constexpr Parameter parameters[] = {
    {.name = "order",
     .type = ParameterType::text,
     .fallback = "\"uniform\"",
     .choices = "uniform|learned",
     .help = "how the policy picks the next site: evenly, or by the logits as in gflownet-tb, one site a pass and so "
             "up to 2 D passes a step"},
    {.name = "passes",
     .type = ParameterType::integer,
     .fallback = "2",
     .minimum = 1,
     .maximum = 1e6,
     .unit = "passes",
     .help = "uniform order: in which erased sites are refilled, an equal number in each; D: one site at a time"},
    {.name = "balance",
     .type = ParameterType::number,
     .fallback = "0.01",
     .minimum = 0,
     .maximum = 1e6,
     .help = "weight of trajectory balance beside the energy's contrastive divergence"},
    {.name = "likelihood",
     .type = ParameterType::number,
     .fallback = "1.0",
     .minimum = 0,
     .maximum = 1e6,
     .help = "weight of the likelihood of the data's trajectories; 0: the policy learns by trajectory balance alone, "
             "as published"},
    {.name = "metropolis",
     .type = ParameterType::boolean,
     .fallback = "true",
     .help = "take refilled rows for the energy by the rule of Metropolis and Hastings; false: all of them"},
    {.name = "trajectories",
     .type = ParameterType::integer,
     .fallback = "4",
     .minimum = 1,
     .maximum = 1e6,
     .help = "learned order: trajectories to a state whose mean stands for its density in evaluation"},
};

constexpr const char* manual = R"(An energy-based generative flow network (EB-GFN): an energy learned from states
together with a flow network over partial states that draws from it. The energy is the marginal head on full
states, -E(x) = log p_θ(x). The policy is that of the conditionals, P_F(d, k | x_S) = p_φ(k | x_S, d) / |U| for an
unknown site d, which with uniform order is an any-order model; with order = "learned" it is the joint softmax of
`gflownet-tb`. The backward policy P_B is uniform. Of each state x a random part, of 1 to D sites, is erased and
refilled by the policy, which gives x':

    Δ = (E(x') - E(x)) - (log P_F(x | x_S) - log P_F(x' | x_S))
    loss = E[a (E(x) - E(x'))] + balance E[Δ²] - likelihood E[log P_F(τ)]

The first term, as published, is contrastive divergence of the energy. a is 1 where x' is accepted by Metropolis and
Hastings, with probability min(1, e^-Δ); else it is 0, and the negative state is x itself.

Δ, in which the energy is held fixed, is the difference of the trajectory balances log Z + log P_F(τ) - log P_B(τ) + E
of two trajectories, to x and to x', that share their first part. All but the refill cancels, so that a step costs 2
`passes` - 1 passes of a batch and two of the energy. The published loss balances whole trajectories of 2 D passes,
forward ones and backward ones from data, each against log Z. With fewer `passes` than erased sites several sites are
filled at once, independently given what is known. Balance and acceptance are exact for that proposal, but the policy
that is evaluated fills one site at a time; `passes` = D closes the gap.

The last term is not published: the mean log-probability of backward trajectories from the states, by the estimate of
`ao-arm` from the refill's first pass. With likelihood = 0 balance alone teaches the policy, no faster than the energy
learns: the published code takes 50,000 steps, and 1,000 steps on binary MNIST go little beyond independent pixels.

The paper has a network each for energy and policy; here one serves both, so give it a width that both heads have use
for. Evaluation reads the policy: with uniform order as `ao-arm`, otherwise by bounds as `gflownet-tb`. Marginals of
partial states are not trained. Records `loss` (mean Δ², nats²), `acceptance`, `energy_gap` (mean of E(x') - E(x), nats)
and `train_bits` (bits a site, of the policy).

References: D. Zhang et al., Generative flow networks for discrete probabilistic modeling, ICML 2022 (arXiv 2202.01361).
N. Malkin et al., Trajectory balance: improved credit assignment in GFlowNets, NeurIPS 2022 (arXiv 2201.13259). E.
Hoogeboom et al., Autoregressive diffusion models, ICLR 2022 (arXiv 2110.02037).)";

// What erasing a part of the rows x and refilling it gave.
struct Refilled {
    at::Tensor x;  // (B, D) x'
    // The rest with gradient, (B): log P_F - log P_B
    at::Tensor log_drawn;   // from x_S to x'
    at::Tensor log_states;  // from x_S to x
    at::Tensor log_path;    // from all □ to x, estimated
};

class EnergyBasedFlow final : public marginalia::Objective {
public:
    EnergyBasedFlow(const marginalia::Params& params, const marginalia::TrainingSetup& setup)
        : setup_(setup), learned_(params.text("order") == "learned"),
          passes_(std::min(params.integer("passes"), setup.domain.sites)), balance_(params.number("balance")),
          likelihood_(params.number("likelihood")), metropolis_(params.boolean("metropolis")),
          trajectories_(params.integer("trajectories")) {}

    at::Tensor loss(marginalia::TrainingStep& step) override {
        const at::Tensor x = marginalia::training_states(step, setup_);
        const Refilled other = refill(step, x);
        const auto minus_energy = step.network.log_density(at::cat({x, other.x})).chunk(2);
        const at::Tensor gap = minus_energy[0] - minus_energy[1];
        const at::Tensor imbalance = gap.detach() - (other.log_states - other.log_drawn);
        const at::Tensor accepted = accept(imbalance.detach(), step.generator);
        const at::Tensor loss = imbalance.square().mean(), log_path = other.log_path.mean();
        step.metrics = {
            {"loss", loss.detach()},
            {"acceptance", accepted.mean()},
            {"energy_gap", gap.detach().mean()},
            {"train_bits", -log_path.detach() / (static_cast<double>(setup_.domain.sites) * std::numbers::ln2)}};
        return balance_ * loss - (accepted * gap).mean() - likelihood_ * log_path;
    }

    std::unique_ptr<marginalia::Model> model(const marginalia::Network& network, at::Generator&,
                                             const marginalia::Tick&) const override {
        return learned_ ? learned_order::model(network, trajectories_) : marginalia::any_order_model(network);
    }

    bool trains_marginals() const override { return false; }

private:
    // (B) 1 where the refilled row is the energy's negative state, else 0.
    at::Tensor accept(const at::Tensor& imbalance, at::Generator& generator) const {
        if (!metropolis_) return at::ones_like(imbalance);
        return (at::rand(imbalance.sizes(), generator, imbalance.options()).log() < -imbalance).to(imbalance.dtype());
    }

    // (B, D, K): log of |U| P_F of setting a site to a symbol.
    at::Tensor log_actions(const marginalia::Network& network, const at::Tensor& x) const {
        if (!learned_) return network.conditional_logits(x).to(at::kFloat).log_softmax(2);
        const at::Tensor unknown = (x == setup_.domain.categories).sum(1).to(at::kFloat);
        return learned_order::log_policy(network, x).to(at::kFloat).view({x.size(0), x.size(1), -1}) +
               unknown.log().view({-1, 1, 1});
    }

    struct Action {
        at::Tensor symbols, chosen;  // (B, D): drawn symbols, and where they are set
    };

    // With uniform order at the sites `next`, otherwise at one that the policy picks.
    Action draw(const at::Tensor& log_actions, const at::Tensor& next, at::Generator& generator) const {
        const at::Tensor log_p = log_actions.detach();
        if (!learned_) return {marginalia::sample_symbols(log_p.flatten(0, 1), generator).view_as(next), next};
        const at::Tensor action = marginalia::sample_symbols(log_p.flatten(1), generator).unsqueeze(1);
        const at::Tensor site = action.div(setup_.domain.categories, "floor");
        return {action.remainder(setup_.domain.categories).expand_as(next), at::zeros_like(next).scatter(1, site, 1)};
    }

    Refilled refill(marginalia::TrainingStep& step, const at::Tensor& x) const {
        const std::int64_t rows = x.size(0), sites = x.size(1), unknown = setup_.domain.categories;
        const auto sum_at = [](const at::Tensor& log_actions, const at::Tensor& symbols, const at::Tensor& where) {
            return log_actions.gather(2, symbols.unsqueeze(2)).squeeze(2).masked_fill(where.logical_not(), 0).sum(1);
        };
        const at::Tensor rank = marginalia::random_orders(rows, sites, step.generator, x.device());
        // Sizes of the known part, (B, 1). With learned order the same in every row, so that all come to an end at
        // once.
        const std::int64_t of_all = learned_ ? marginalia::host_integer(0, sites, step.host_generator) : 0;
        const at::Tensor known =
            learned_ ? at::full({rows, 1}, of_all, x.options()) : stratified_sizes(x, step.generator);
        const at::Tensor erased = sites - known;
        const std::int64_t passes = learned_ ? sites - of_all : passes_;
        at::Tensor old = x.masked_fill(rank >= known, unknown), drawn = old;
        Refilled result{{}, at::zeros({rows}, x.options().dtype(at::kFloat)), {}, {}};
        result.log_states = result.log_drawn;
        for (std::int64_t pass = 1; pass <= passes; ++pass) {
            const bool first = pass == 1;  // nothing is refilled yet: one row for both
            const at::Tensor both = log_actions(step.network, first ? old : at::cat({drawn, old}));
            const at::Tensor of_drawn = both.slice(0, 0, rows), of_old = first ? both : both.slice(0, rows);
            if (first)
                result.log_path =
                    sum_at(of_old, x, rank >= known) * (static_cast<double>(sites) / erased.squeeze(1).to(at::kFloat));
            const at::Tensor next = (old == unknown) & ((rank - known) * passes < erased * pass);
            const Action action = draw(of_drawn, next, step.generator);
            result.log_drawn = result.log_drawn + sum_at(of_drawn, action.symbols, action.chosen);
            result.log_states = result.log_states + sum_at(of_old, x, next);
            drawn = at::where(action.chosen, action.symbols, drawn);
            old = at::where(next, x, old);
        }
        result.x = drawn;
        return result;
    }

    const marginalia::TrainingSetup setup_;
    const bool learned_;
    const std::int64_t passes_;
    const double balance_;
    const double likelihood_;
    const bool metropolis_;
    const std::int64_t trajectories_;
};

}  // namespace

MARGINALIA_OBJECTIVE(EnergyBasedFlow, "gflownet-eb", "energy and GFlowNet learned together from states (EB-GFN)",
                     manual, parameters, "states");
