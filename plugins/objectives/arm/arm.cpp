#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <marginalia/objective.h>
#include <marginalia/orders.h>

#include "../finite_log_f.h"

namespace {

using marginalia::Parameter;
using marginalia::ParameterType;

constexpr Parameter parameters[] = {
    {.name = "terms",
     .type = ParameterType::integer,
     .fallback = "0",
     .minimum = 0,
     .maximum = 1e9,
     .unit = "sites",
     .help =
         "conditionals of each state that are differentiated a step, a random choice that stands for all D; 0: all"},
};

constexpr const char* manual = R"(Energy-based training of an autoregressive model in one fixed order, 0..D-1, the
baseline ARM of the paper's energy tables (method page, "Energy-based"; arXiv 2310.12920, sec. 6):

    log p_φ(x) = sum over d of log p_φ(x_d | x_<d)
    gradient     E_x[ ∇ log p_φ(x) (log p_φ(x) - log f(x) - baseline) ],   x ~ p_φ, baseline the batch mean

The sampler should be `ancestral` with order "forward": for D passes it gives fresh states of the model and their exact
log p_φ, which is not computed again. `terms` sites drawn at random carry the gradient of the sum, multiplied by D /
terms: the weight stays exact, so the choice adds no bias, and its variance falls to 0 with the weight as the model is
learnt. (ARM-MC, which estimates the weight in this way too, fails: objective `arm-mc`.) Only the conditionals of
prefixes learn; the model generates in its one order and has no marginals but those of prefixes. Records `loss` (E[log
p - log f] of the batch) and `log_ratio_std` (nats, 0 for a perfect model).

References: D. Wu, L. Wang, P. Zhang, Solving statistical mechanics using variational autoregressive networks, Phys.
Rev. Lett. 122, 080602 (2019). S. Liu, P. J. Ramadge, R. P. Adams, Generative marginalization models, ICML 2024.)";

constexpr std::int64_t check_step = 20;  // networks begin uniform, when every order has the same density

class Arm final : public marginalia::Objective {
public:
    Arm(const marginalia::Params& params, const marginalia::TrainingSetup& setup)
        : setup_(setup), terms_(params.integer("terms") == 0 ? setup.domain.sites
                                                             : std::min(params.integer("terms"), setup.domain.sites)) {
        if (setup.batch < 2)
            throw marginalia::Error("batch 1 leaves nothing after the baseline; give train.batch >= 2");
    }

    at::Tensor loss(marginalia::TrainingStep& step) override {
        const at::Tensor x = marginalia::training_states(step, setup_);
        step.energy->start(x);
        at::Tensor log_p = step.sampler->log_density();
        if (step.step == check_step && log_p.defined()) check_order(step, x, log_p);
        const at::Tensor sites = chosen_sites(x, step.generator);  // (B, terms)
        const at::Tensor terms = conditionals(step.network, x, sites);
        const at::Tensor sum = terms.sum(1) * (static_cast<double>(setup_.domain.sites) / static_cast<double>(terms_));
        if (!log_p.defined()) log_p = density(step, x, sum);

        const at::Tensor log_ratio = log_p - finite_log_f(step.energy->finish());
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
    // A sampler of another order gives states and densities of another model.
    static void check_order(marginalia::TrainingStep& step, const at::Tensor& x, const at::Tensor& log_p) {
        const at::NoGradGuard no_grad;
        const at::Tensor forward = marginalia::fixed_order_model(step.network)->log_density(x, step.generator, [] {});
        if (at::allclose(log_p, forward, 1e-3, 1e-2)) return;
        throw marginalia::Error(
            "the sampler's states do not have the density of site order 0, 1, 2, ...; give the sampler 'ancestral' "
            "order = \"forward\"");
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

    // log p_φ(x) where the sampler does not know it: the sum just computed if it is whole, D passes if not.
    at::Tensor density(marginalia::TrainingStep& step, const at::Tensor& x, const at::Tensor& sum) const {
        if (terms_ == setup_.domain.sites) return sum.detach().to(at::kDouble);
        const at::NoGradGuard no_grad;
        return marginalia::fixed_order_model(step.network)->log_density(x, step.generator, [] {});
    }

    const marginalia::TrainingSetup setup_;
    const std::int64_t terms_;
};

}  // namespace

MARGINALIA_OBJECTIVE(Arm, "arm", "autoregressive model of fixed order from an energy: REINFORCE", manual, parameters,
                     "energy model-sampler");
