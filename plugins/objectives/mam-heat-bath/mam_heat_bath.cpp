#include <ATen/ATen.h>
#include <marginalia/device_energy.h>
#include <marginalia/energy_states.h>
#include <marginalia/heat_bath.h>
#include <marginalia/host.h>
#include <marginalia/objective.h>
#include <marginalia/orders.h>

#include <optional>
#include <vector>

#include "../any_order.h"
#include "../forward_looking.h"
#include "target_sweeps.h"

namespace {

using marginalia::Parameter;
using marginalia::ParameterType;

constexpr Parameter parameters[] = {
    {.name = "sweeps",
     .type = ParameterType::integer,
     .fallback = "8",
     .minimum = 0,
     .maximum = 1e6,
     .unit = "sweeps",
     .help = "heat-bath sweeps of the unknown sites over which the targets are averaged; 0: the states' own symbols"},
    {.name = "clusters",
     .type = ParameterType::boolean,
     .fallback = "false",
     .help = "move clusters of unknown sites before each sweep, for couplings as of Ising and Potts models",
     .absent = "false"},
    {.name = "size_power",
     .type = ParameterType::number,
     .fallback = "1.0",
     .minimum = 1,
     .maximum = 4,
     .help = "|S| is D v^size_power, v even over the batch: above 1 there are more states of few known sites, each of "
             "less weight, and the loss has the same mean",
     .absent = "1.0"},
    {.name = "forward_looking",
     .type = ParameterType::boolean,
     .fallback = "true",
     .help = "let the marginal head correct the energy's partial density, where the energy offers one"},
    {.name = "penalty",
     .type = ParameterType::number,
     .fallback = "0.1",
     .minimum = 0,
     .maximum = 1e9,
     .help = "λ, the weight of the marginals' self-consistency; 0 trains the conditionals alone"},
    {.name = "penalty_rows",
     .type = ParameterType::integer,
     .fallback = "0",
     .minimum = 0,
     .maximum = 1e9,
     .unit = "states",
     .help = "states a step on which the marginals' sum rule is taken; 0: all of the batch"},
};

constexpr const char* manual = R"(Training from an energy without REINFORCE, not the paper's method: any-order
conditionals learn from the energy's own single-site conditionals on states of the target, which the sampler
`parallel-tempering` or `single-site-gibbs` draws from log f.

    loss_φ = E_x E_S [ D / |U| * sum over d in U of H(t_d, p_φ(x_d | x_S)) ],   U the unknown sites, H the cross-entropy
    loss_θ = λ D E[(log p_θ(x_S) + log p_φ(x_d | x_S) - log p_θ(x_S ∪ d))²],     p_φ held fixed

The target t_d is p*(x_d | all other sites), the softmax of log f over the K values of site d, which energies give
cheaply (site_log_densities), averaged over `sweeps` heat-bath sweeps of the unknown sites that begin at x. Given x_S, x
is a state of p*(x | x_S) and stays one, so the mean of t_d is p*(x_d | x_S): the first loss is the any-order likelihood
of `ao-arm` with the observed symbol replaced by a conditional mean (Rao-Blackwell). It has the same minimum and far
less noise, and every pass teaches all unknown sites. With `sweeps = 0` the target is the observed symbol, for energies
whose conditionals cost K evaluations. |S| is stratified over the batch, evenly or, with `size_power = 2`, as its -1/2
power, with weights that keep the mean: where little is known targets vary most, and beside a base of belief propagation
most is left to learn. The marginals are those of `mam-balance` where the energy has a partial density: forward-looking,
with log Z learned by the same links.

p_φ is held fixed in the second loss, but a body that both heads share feels it: a large λ slows the conditionals down
(experiments/cold-start.md trains them alone). The minimum of the first loss is that of KL(p* || p_φ), so the model
covers whatever the chains visit and nothing else: chains that have not mixed are learnt as they are. Where single-site
chains cannot cross the target, take `parallel-tempering`, or `replay` where they find its modes from different starts,
and look at the report.

With `clusters = true`, for Ising and Potts models and others whose pairs feel only the difference of their symbols,
each sweep begins with a cluster update (`swendsen-wang`) in which the clusters of known sites are held. Targets of as
many sweeps then differ less from their mean wherever single sites turn slowly, as near a critical point: on a 16x16
Ising torus at coupling 0.44 half as much, in twice the time.

A step costs one pass over the batch with all conditionals, one over 2 `penalty_rows` states, and `sweeps` * |U| site
updates of the energy a state; on a GPU, where the energy can be there, these are made there too, one colour of sites
after another (`single-site-gibbs`); clusters are always joined on the host. Figures: experiments/table4.md,
experiments/field-ising.md. Records `loss` (φ's, nats a state), `penalty` (nats²) and `log_z_estimate`.

References: R. H. Swendsen, J.-S. Wang, Phys. Rev. Lett. 58, 86 (1987). C. R. Rao, Bull. Calcutta Math. Soc. 37, 81
(1945). D. Blackwell, Ann. Math. Stat. 18, 105 (1947). E. Hoogeboom et al., Autoregressive diffusion models, ICLR 2022
(arXiv 2110.02037). S. Liu, P. J. Ramadge, R. P. Adams, ICML 2024.)";

class HeatBathMatching final : public marginalia::Objective {
public:
    HeatBathMatching(const marginalia::Params& params, const marginalia::TrainingSetup& setup)
        : setup_(setup), lambda_(params.number("penalty")),
          rows_(params.integer("penalty_rows") == 0 ? setup.batch
                                                    : std::min(params.integer("penalty_rows"), setup.batch)),
          sweeps_(params.integer("sweeps")), power_(params.number("size_power")),
          log_z_(setup.device, static_cast<double>(setup.domain.sites)) {
        if (params.boolean("clusters") && sweeps_ == 0)
            throw marginalia::Error("clusters = true needs sweeps of 1 or more; there are 0");
        if (params.boolean("clusters"))
            couplings_.emplace(clusters::couplings_of(*setup.energy, "set clusters = false"));
        if (params.boolean("forward_looking")) forward_looking_ = ForwardLooking::if_offered(setup);
    }

    at::Tensor loss(marginalia::TrainingStep& step) override {
        const std::int64_t categories = setup_.domain.categories;
        const auto sites = static_cast<double>(setup_.domain.sites);
        const at::Tensor x = marginalia::training_states(step, setup_);
        const at::Tensor order = marginalia::random_orders(x.size(0), x.size(1), step.generator, x.device());
        const PartlyKnown rows(x, marginalia::positions_of_sites(order), categories, step.generator, power_);
        // On their way to the host before the pass begins, and so the sweeps run beside it.
        marginalia::HostCopy on_host;
        if (sweeps_ > 0 && !on_device())
            on_host = marginalia::HostCopy(at::cat({x.to(at::kByte), rows.unknown.to(at::kByte)}));
        const at::Tensor log_p = step.network.conditional_logits(rows.before).log_softmax(2);
        const at::Tensor cross_entropy =
            sweeps_ == 0 ? -(log_p.gather(2, x.unsqueeze(2)).squeeze(2) * rows.unknown)
                         : -(targets(x, rows.unknown, on_host, step).to(log_p.dtype()) * log_p).sum(2);
        at::Tensor weight = sites / (sites - rows.known).to(log_p.dtype());
        if (power_ != 1) weight = weight * weights_of_sizes(rows.known, setup_.domain.sites, power_);
        const at::Tensor likelihood = (weight * cross_entropy).sum(1).mean();
        step.metrics = {{"loss", likelihood.detach()}};
        if (!trains_marginals() || step.network.consistent()) return likelihood;

        // Evenly over the batch, whose |S| rises with the row.
        const std::int64_t stride = x.size(0) / rows_;
        const auto few = [&](const at::Tensor& all) { return all.slice(0, 0, rows_ * stride, stride); };
        const at::Tensor site = few(order.gather(1, rows.known)), symbol = few(x).gather(1, site);
        const at::Tensor states = with_one_more(few(rows.before), site, symbol);
        const at::Tensor added = few(log_p.detach()).flatten(1).gather(1, site * categories + symbol).squeeze(1);
        const at::Tensor penalty = sum_rule_breach(marginals(step, states), added);
        step.metrics["penalty"] = penalty.detach();
        return likelihood + lambda_ * sites * penalty;
    }

    std::unique_ptr<marginalia::Model> model(const marginalia::Network& network, at::Generator& generator,
                                             const marginalia::Tick& tick) const override {
        if (!forward_looking_ || network.consistent()) return Objective::model(network, generator, tick);
        return std::make_unique<ForwardLookingModel>(network, *forward_looking_, log_z_.value().detach());
    }

    std::vector<at::Tensor> parameters() const override {
        return forward_looking_ ? std::vector{log_z_.parameter()} : std::vector<at::Tensor>{};
    }
    marginalia::StateDict state() const override { return log_z_.state(); }
    void load(const marginalia::StateDict& state) override { log_z_.load(state); }

    bool trains_marginals() const override { return lambda_ > 0; }

private:
    at::Tensor marginals(marginalia::TrainingStep& step, const at::Tensor& states) {
        if (!forward_looking_) return step.network.log_marginal(states);
        const auto rows = forward_looking_->rows(states);
        const at::Tensor marginal = step.network.log_marginal(states);
        if (step.step == 1) log_z_.begin_at(forward_looking_->empty());
        const at::Tensor log_z = log_z_.value();
        step.metrics["log_z_estimate"] = log_z.detach();
        return (*forward_looking_)(rows, marginal, log_z);
    }

    // Clusters are joined on the host.
    bool on_device() const { return setup_.device_energy && !couplings_; }

    // t_d at the unknown sites, 0 at the known ones: (B, D, K) on the trial's device.
    at::Tensor targets(const at::Tensor& x, const at::Tensor& unknown, const marginalia::HostCopy& on_host,
                       marginalia::TrainingStep& step) const {
        return on_device() ? targets_on_device(x.clone(), unknown, step) : targets_on_host(on_host, step);
    }

    // By colours, in which order the sites are as good as in any.
    at::Tensor targets_on_device(at::Tensor x, const at::Tensor& unknown, marginalia::TrainingStep& step) const {
        const marginalia::DeviceEnergy& energy = *setup_.device_energy;
        const auto whole = at::TensorOptions(at::kDouble).device(setup_.device);
        at::Tensor sums = at::zeros({x.size(0), x.size(1), setup_.domain.categories}, whole), p = at::empty_like(sums);
        for (std::int64_t sweep = 0; sweep < sweeps_; ++sweep) {
            for (std::size_t colour = 0; colour < energy.colours().size(); ++colour) {
                const at::Tensor &sites = energy.colours()[colour], here = x.index_select(1, sites);
                const at::Tensor given_rest = marginalia::heat_bath_probabilities(energy, x, colour);
                const at::Tensor drawn = marginalia::draw_symbols(given_rest, step.generator);
                x.index_copy_(1, sites, at::where(unknown.index_select(1, sites), drawn, here));
                p.index_copy_(1, sites, given_rest);
            }
            sums += p;
        }
        return sums * (unknown.unsqueeze(2).to(at::kDouble) / static_cast<double>(sweeps_));
    }

    // By sites in their order, float32. On the host come full states (B, D), which move on, and whether their sites are
    // unknown, (2 B, D) bytes in all.
    at::Tensor targets_on_host(const marginalia::HostCopy& on_host, marginalia::TrainingStep& step) const {
        const at::Tensor& bytes = on_host.wait();
        const std::int64_t rows = bytes.size(0) / 2, sites = bytes.size(1), categories = setup_.domain.categories;
        const auto seed =
            static_cast<std::uint64_t>(marginalia::host_integer(0, std::int64_t{1} << 62, step.host_generator));
        at::Tensor sums = at::zeros({rows, sites, categories}, at::kFloat);
        auto* out = sums.data_ptr<float>();
        auto* states = bytes.data_ptr<std::uint8_t>();
        const auto width = static_cast<std::size_t>(sites);
        marginalia::in_parallel(rows, [&](std::int64_t first, std::int64_t end) {
            TargetSweeps sweeps(*setup_.energy, couplings_ ? &*couplings_ : nullptr, sweeps_);
            for (std::int64_t row = first; row < end; ++row) {
                marginalia::FastRandom random(seed, static_cast<std::uint64_t>(row));
                sweeps.add({states + row * sites, width}, {states + (rows + row) * sites, width},
                           {out + row * sites * categories, width * static_cast<std::size_t>(categories)}, random);
            }
        });
        return marginalia::to_device(sums, setup_.device);
    }

    const marginalia::TrainingSetup setup_;
    const double lambda_;
    const std::int64_t rows_;
    const std::int64_t sweeps_;
    const double power_;
    std::optional<clusters::Couplings> couplings_;
    std::optional<ForwardLooking> forward_looking_;
    LearnedLogZ log_z_;
};

}  // namespace

MARGINALIA_OBJECTIVE(HeatBathMatching, "mam-heat-bath",
                     "marginalization model from an energy's own conditionals on its chains", manual, parameters,
                     "energy target-sampler");
