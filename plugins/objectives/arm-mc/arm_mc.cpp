#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <marginalia/objective.h>

#include "../finite_log_f.h"

namespace {

constexpr marginalia::Parameter parameters[] = {
    {.name = "independent",
     .type = marginalia::ParameterType::boolean,
     .fallback = "false",
     .help = "estimate the weight from another site than the gradient's: no bias, more noise"},
};

constexpr const char* manual = R"(The baseline ARM-MC of the paper's energy tables: an autoregressive model of fixed
order whose log-density is estimated from a single conditional, so that a step costs one pass as it does for a
marginalization model (arXiv 2310.12920, sec. 6):

    log p(x) ≈ l(x) = D log p_φ(x_d | x_<d),   d uniform
    gradient   E_x[ ∇ l(x) (l(x) - log f(x) - baseline) ],   x from the sampler, baseline the batch mean

It is here to show that it fails (experiments/table4.md). l is an unbiased estimate of log p_φ(x), but one site serves
twice: with c_d the d-th log-conditional, the gradient's mean holds D sum_d E[c_d ∇ c_d] in place of E[(sum_d c_d) ∇
(sum_d c_d)]. That weighs the model's entropy D times as much against the energy, as if the temperature were D times
higher, and the model stays nearly uniform. With `independent` the weight comes from a second site, by a second pass.
The mean is then right, but the weight's standard deviation, D times that of one log-conditional, drowns it. Only
conditionals of prefixes learn. Records `loss` (mean of l - log f, nats) and `log_ratio_std` (nats).

References: S. Liu, P. J. Ramadge, R. P. Adams, Generative marginalization models, ICML 2024 (arXiv 2310.12920), table
4.)";

class ArmMonteCarlo final : public marginalia::Objective {
public:
    ArmMonteCarlo(const marginalia::Params& params, const marginalia::TrainingSetup& setup)
        : setup_(setup), independent_(params.boolean("independent")) {
        if (setup.batch < 2)
            throw marginalia::Error("batch 1 leaves nothing after the baseline; give train.batch >= 2");
    }

    at::Tensor loss(marginalia::TrainingStep& step) override {
        const at::Tensor x = marginalia::training_states(step, setup_);
        step.energy->start(x);
        const at::Tensor estimate = one_term(step, x);
        const at::Tensor weight = independent_ ? without_gradient(step, x) : estimate.detach();
        const at::Tensor log_ratio = weight.to(at::kDouble) - finite_log_f(step.energy->finish());
        const at::Tensor mean = log_ratio.mean();
        const at::Tensor surrogate = ((log_ratio - mean).to(estimate.dtype()) * estimate).mean();
        step.metrics = {{"loss", mean}, {"log_ratio_std", log_ratio.std()}};
        return surrogate;
    }

    std::unique_ptr<marginalia::Model> model(const marginalia::Network& network, at::Generator&,
                                             const marginalia::Tick&) const override {
        return marginalia::fixed_order_model(network);
    }

    bool trains_marginals() const override { return false; }

private:
    // D log p_φ(x_d | x_<d) at a random site of each row: (B).
    at::Tensor one_term(marginalia::TrainingStep& step, const at::Tensor& x) const {
        const std::int64_t sites = setup_.domain.sites;
        const at::Tensor site = at::randint(sites, {x.size(0), 1}, step.generator, x.options());
        const at::Tensor before = x.masked_fill(at::arange(sites, x.options()) >= site, setup_.domain.categories);
        const at::Tensor log_conditional = step.network.conditional_at(before, site.squeeze(1)).log_softmax(1);
        return static_cast<double>(sites) * log_conditional.gather(1, x.gather(1, site)).squeeze(1);
    }

    at::Tensor without_gradient(marginalia::TrainingStep& step, const at::Tensor& x) const {
        const at::NoGradGuard no_grad;
        return one_term(step, x);
    }

    const marginalia::TrainingSetup setup_;
    const bool independent_;
};

}  // namespace

MARGINALIA_OBJECTIVE(ArmMonteCarlo, "arm-mc", "ARM whose log-density is one conditional times D: a baseline that fails",
                     manual, parameters, "energy model-sampler");
