#include "fixed_order.h"

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
    {.name = "weight",
     .type = ParameterType::text,
     .fallback = "\"exact\"",
     .choices = "exact|same|independent",
     .help = "log p in the weight: all of it, or estimated from those conditionals, or from as many others",
     .absent = "\"exact\""},
};

constexpr const char* manual = R"(Energy-based training of an autoregressive model in one fixed order, 0..D-1, the
baseline ARM of the paper's energy tables (method page, "Energy-based"; arXiv 2310.12920, sec. 6):

    log p_φ(x) = sum over d of log p_φ(x_d | x_<d)
    gradient     E_x[ ∇ log p_φ(x) (log p_φ(x) - log f(x) - baseline) ],   x ~ p_φ, baseline the batch mean

The sampler should be `ancestral` with order "forward": for D passes it gives fresh states of the model and their exact
log p_φ, which is not computed again. `terms` sites drawn at random carry the gradient of the sum, multiplied by D /
terms: the weight stays exact, so the choice adds no bias, and its variance falls to 0 with the weight as the model is
learnt. With `weight` "same" or "independent" the weight is estimated in this way too, which fails: objective `arm-mc`
is that with one term. Only the conditionals of prefixes learn; the model generates in its one order and has no
marginals but those of prefixes. Records `loss` (E[log p - log f] of the batch) and `log_ratio_std` (nats, 0 for a
perfect model).

References: D. Wu, L. Wang, P. Zhang, Solving statistical mechanics using variational autoregressive networks, Phys.
Rev. Lett. 122, 080602 (2019). S. Liu, P. J. Ramadge, R. P. Adams, Generative marginalization models, ICML 2024.)";

Weight weight_of(const std::string& word) {
    return word == "exact" ? Weight::exact : word == "same" ? Weight::same : Weight::independent;
}

class Arm final : public FixedOrder {
public:
    Arm(const marginalia::Params& params, const marginalia::TrainingSetup& setup)
        : FixedOrder(setup, params.integer("terms"), weight_of(params.text("weight"))) {}
};

}  // namespace

MARGINALIA_OBJECTIVE(Arm, "arm", "autoregressive model of fixed order from an energy: REINFORCE", manual, parameters,
                     "energy model-sampler");
