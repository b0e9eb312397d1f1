#include "../arm/fixed_order.h"

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

class ArmMonteCarlo final : public FixedOrder {
public:
    ArmMonteCarlo(const marginalia::Params& params, const marginalia::TrainingSetup& setup)
        : FixedOrder(setup, 1, params.boolean("independent") ? Weight::independent : Weight::same) {}
};

}  // namespace

MARGINALIA_OBJECTIVE(ArmMonteCarlo, "arm-mc", "ARM whose log-density is one conditional times D: a baseline that fails",
                     manual, parameters, "energy model-sampler");
