#include <ATen/ATen.h>
#include <marginalia/network_joint.h>
#include <marginalia/objective.h>
#include <marginalia/orders.h>
#include <marginalia/real_sites.h>

#include "../finite_log_f.h"
#include "../forward_looking.h"

namespace {

using marginalia::Parameter;
using marginalia::ParameterType;

constexpr Parameter parameters[] = {
    {.name = "forward_looking",
     .type = ParameterType::boolean,
     .fallback = "true",
     .help = "let the marginal head correct the energy's partial density, where the energy offers one"},
    {.name = "terminal",
     .type = ParameterType::number,
     .fallback = "1.0",
     .minimum = 0,
     .maximum = 1e9,
     .help = "weight of the terminal condition; of no use with forward_looking, which meets it by construction"},
};

constexpr const char* manual = R"(Self-consistency as detailed balance: the sum rule of a marginalization model with the
energy at its end. All errors are squared and there is no REINFORCE, so the states may come from any sampler
(off-policy; method page, "Detailed balance"; arXiv 2310.12920, app. B).

    loss = D E[(log p_θ(x_S) + log p_φ(x_d | x_S) - log p_θ(x_S ∪ d))²] + terminal E[(log p_θ(x) + log Z - log f(x))²]

with S the first sites of a random order, d the next, and log Z learned. Where the energy has a partial density Φ (log f
of what is known, a running estimate for the rest; Φ = log f on full states), the marginals are

    log p_θ(x_S) = |U| / D c_θ(x_S) + Φ(x_S) - Φ(all □) - |S| / D (log Z - Φ(all □)),     U the unknown sites

so that every link carries the energy's credit at once (forward-looking) and the terminal condition holds by
construction. The correction and log Z then belong to the objective: a checkpoint's module alone (`torch.jit.load`)
gives c_θ, while `marginalia score` gives log p_θ. log Z begins at Φ(all □), or else at its estimate for the network
as it begins, and learns with D times the network's step, being a sum over sites. A network that is consistent by
construction (mps) is trained by the terminal condition alone. A step is one pass over two or three rows a state.
Sites may hold real numbers, whose log p and log f are densities. Records `loss`, `penalty` (nats², of the links) and
`log_z_estimate`.

References: S. Liu, P. J. Ramadge, R. P. Adams, Generative marginalization models, ICML 2024 (arXiv 2310.12920). Y.
Bengio et al., GFlowNet foundations, J. Mach. Learn. Res. 24 (2023). L. Pan et al., Better training of GFlowNets with
local credit and incomplete trajectories, ICML 2023 (arXiv 2302.01687).)";

class MamBalance final : public marginalia::Objective {
public:
    MamBalance(const marginalia::Params& params, const marginalia::TrainingSetup& setup)
        : setup_(setup), terminal_(params.number("terminal")),
          log_z_(setup.device, static_cast<double>(setup.domain.sites)) {
        if (params.boolean("forward_looking")) forward_looking_ = ForwardLooking::if_offered(setup);
    }

    at::Tensor loss(marginalia::TrainingStep& step) override {
        const at::Tensor x = marginalia::training_states(step, setup_);
        step.energy->start(x);
        if (step.network.consistent()) return terminal_condition(step, step.network.log_density(x));
        const auto link = marginalia::random_chain_link(x, setup_.domain.categories, step.generator);
        std::vector<at::Tensor> rows{link.before, link.after};
        if (!forward_looking_) rows.push_back(x);
        const at::Tensor states = at::cat(rows);
        std::optional<ForwardLooking::Rows> looked_at;
        if (forward_looking_) looked_at = forward_looking_->rows(states);
        const auto pass = step.network.joint(states, link.site);
        const at::Tensor log_f = finite_log_f(step);
        if (step.step == 1) {
            if (forward_looking_) log_z_.begin_at(forward_looking_->empty());
            else begin_log_z(log_f, pass.log_marginal.slice(0, 2 * x.size(0)));
        }
        const at::Tensor log_z = log_z_.value();

        const at::Tensor marginal =
            forward_looking_ ? (*forward_looking_)(*looked_at, pass.log_marginal, log_z) : pass.log_marginal;
        const auto parts = marginal.split(x.size(0));
        const at::Tensor log_conditional = marginalia::log_conditional(setup_.domain, pass.logits, link.symbol);
        const at::Tensor penalty = (parts[0] + log_conditional - parts[1]).square().mean();
        at::Tensor loss = static_cast<double>(setup_.domain.sites) * penalty;
        if (!forward_looking_) loss = loss + terminal_ * (parts[2] + log_z - log_f).square().mean();
        step.metrics = {{"loss", loss.detach()}, {"penalty", penalty.detach()}, {"log_z_estimate", log_z.detach()}};
        return loss;
    }

    std::unique_ptr<marginalia::Model> model(const marginalia::Network& network, at::Generator& generator,
                                             const marginalia::Tick& tick) const override {
        if (!forward_looking_ || network.consistent()) return Objective::model(network, generator, tick);
        return std::make_unique<ForwardLookingModel>(network, *forward_looking_, log_z_.value().detach());
    }

    std::vector<at::Tensor> parameters() const override { return {log_z_.parameter()}; }
    marginalia::StateDict state() const override { return log_z_.state(); }
    void load(const marginalia::StateDict& state) override { log_z_.load(state); }

    bool takes_mixed_sites() const override { return true; }

private:
    // From states of the batch and their log p_θ, which is uniform where sites have symbols alone.
    void begin_log_z(const at::Tensor& log_f, const at::Tensor& log_p) {
        if (setup_.domain.site_categories.empty()) log_z_.begin_uniform(log_f, setup_.domain);
        else log_z_.begin_at((log_f - log_p).mean());
    }

    // All there is to learn where the sum rule holds by construction; the energy's evaluation has begun.
    at::Tensor terminal_condition(marginalia::TrainingStep& step, const at::Tensor& log_p) {
        const at::Tensor log_f = finite_log_f(step);
        if (step.step == 1) log_z_.begin_uniform(log_f, setup_.domain);
        const at::Tensor log_z = log_z_.value();
        const at::Tensor loss = (log_p + log_z - log_f).square().mean();
        step.metrics = {{"loss", loss.detach()}, {"log_z_estimate", log_z.detach()}};
        return loss;
    }

    const marginalia::TrainingSetup setup_;
    const double terminal_;
    std::optional<ForwardLooking> forward_looking_;
    LearnedLogZ log_z_;
};

}  // namespace

MARGINALIA_OBJECTIVE(MamBalance, "mam-balance",
                     "marginalization model from an energy: self-consistency as detailed balance", manual, parameters,
                     "energy sampler");
