#include <ATen/ATen.h>
#include <marginalia/objective.h>
#include <marginalia/orders.h>
#include <marginalia/real_sites.h>

namespace {

using marginalia::Parameter;
using marginalia::ParameterType;

constexpr Parameter parameters[] = {
    {.name = "penalty",
     .type = ParameterType::number,
     .fallback = "4.0",
     .minimum = 0,
     .maximum = 1e9,
     .help = "λ, the weight of the self-consistency penalty"},
    {.name = "penalty_rows",
     .type = ParameterType::integer,
     .fallback = "0",
     .minimum = 0,
     .maximum = 1e9,
     .unit = "states",
     .help = "states a step on which the penalty is sampled; 0: all of the batch"},
    {.name = "baseline",
     .type = ParameterType::text,
     .fallback = "\"mean\"",
     .choices = "mean|none",
     .help = "control variate of REINFORCE: the batch mean of log p - log f, or none"},
    {.name = "impossible",
     .type = ParameterType::number,
     .fallback = "6.0",
     .minimum = 0,
     .maximum = 1e9,
     .unit = "nats",
     .help = "a state with log f = -infinity counts as so much below the least possible one of its batch"},
};

constexpr const char* manual = R"(Energy-based training of a marginalization model: KL(p_θ || f/Z) + λ D E[penalty]
(method page, "Energy-based"; arXiv 2310.12920, sec. 4.2).

    gradient of KL   E_x[ ∇ log p_θ(x) (log p_θ(x) - log f(x) - baseline) ],  x from the sampler (REINFORCE)
    penalty          (log p_θ(x_σ(<d)) + log p_φ(x_σ(d) | x_σ(<d)) - log p_θ(x_σ(<=d)))²,  σ and d uniform

D makes one sampled position count for the sum over d. Z drops out of the gradient: the networks fix log p_θ(all □) = 0,
so consistency itself normalises the model. A network that is consistent by construction (mps) is trained by the first
part alone. A step is one pass with gradient over three rows a state (x_S, x_S ∪ d and x); log f is evaluated beside it
where the network is on a GPU. Records `loss`, `penalty` (mean squared error in nats²), `log_z_estimate` (mean of log
f - log p_θ, a lower bound where p_θ is consistent) and `log_ratio_std` (standard deviation of log p_θ - log f in nats,
0 for a perfect model).

Sites may hold real numbers: log p and log f are then densities, and the sum rule holds for them as it stands. log f may
then be as low as it likes where an untrained model draws, and a few such states can undo what was learnt: set
`train.clip` (10, say), or learn from states of the target.

A state with log f = -infinity counts as `impossible` nats below the least possible state of its batch, since the
gradient needs a finite number. The larger it is, the less of the model's mass stays on such states, and the likelier
the training is to end on a few of the possible ones.

References: S. Liu, P. J. Ramadge, R. P. Adams, Generative marginalization models, ICML 2024 (arXiv 2310.12920), sec.
4.2. R. J. Williams, Simple statistical gradient-following algorithms, Mach. Learn. 8, 229 (1992).)";

class MamEnergy final : public marginalia::Objective {
public:
    MamEnergy(const marginalia::Params& params, const marginalia::TrainingSetup& setup)
        : lambda_(params.number("penalty")),
          rows_(params.integer("penalty_rows") == 0 ? setup.batch
                                                    : std::min(params.integer("penalty_rows"), setup.batch)),
          baseline_(params.text("baseline") == "mean"), impossible_(params.number("impossible")), setup_(setup) {
        if (baseline_ && setup.batch < 2)
            throw marginalia::Error(
                "batch 1 with baseline \"mean\" learns nothing; give train.batch >= 2 or "
                "baseline = \"none\"");
    }

    at::Tensor loss(marginalia::TrainingStep& step) override {
        const at::Tensor x = marginalia::training_states(step, setup_);
        step.energy->start(x);  // runs while the network does
        if (step.network.consistent()) return divergence(step, step.network.log_density(x));
        const auto link = marginalia::random_chain_link(x.slice(0, 0, rows_), setup_.domain.categories, step.generator);
        const auto pass = step.network.joint(at::cat({link.before, link.after, x}), link.site);
        const auto parts = pass.log_marginal.split_with_sizes({rows_, rows_, x.size(0)});
        const at::Tensor log_p = parts[2];

        const at::Tensor log_conditional = marginalia::log_conditional(setup_.domain, pass.logits, link.symbol);
        const at::Tensor penalty = (parts[0] + log_conditional - parts[1]).square().mean();

        const at::Tensor loss = divergence(step, log_p) + lambda_ * static_cast<double>(setup_.domain.sites) * penalty;
        step.metrics["loss"] = loss.detach();
        step.metrics["penalty"] = penalty.detach();
        return loss;
    }

    bool takes_mixed_sites() const override { return true; }

private:
    // Its gradient is that of KL(p_θ || f/Z), by REINFORCE, the energy's evaluation having begun.
    at::Tensor divergence(marginalia::TrainingStep& step, const at::Tensor& log_p) const {
        const at::Tensor finished = step.energy->finish();
        const at::Tensor log_f = step.energy->impossible() == 0 ? finished : possible(finished);
        const at::Tensor log_ratio = log_p.detach().to(at::kDouble) - log_f;
        const at::Tensor mean = log_ratio.mean();
        const at::Tensor advantage = (baseline_ ? log_ratio - mean : log_ratio).to(log_p.dtype());
        const at::Tensor loss = (advantage * log_p).mean();
        step.metrics = {{"loss", loss.detach()}, {"log_z_estimate", -mean}, {"log_ratio_std", log_ratio.std()}};
        return loss;
    }

    // REINFORCE needs finite rewards: whatever stands for -infinity only says which way to go.
    at::Tensor possible(const at::Tensor& log_f) const {
        const at::Tensor impossible = log_f == -INFINITY;
        const at::Tensor least = log_f.masked_fill(impossible, INFINITY).min();
        const at::Tensor floor = at::where(least == INFINITY, at::zeros_like(least), least) - impossible_;
        return at::where(impossible, floor, log_f);
    }

    const double lambda_;
    const std::int64_t rows_;
    const bool baseline_;
    const double impossible_;  // nats
    const marginalia::TrainingSetup setup_;
};

}  // namespace

MARGINALIA_OBJECTIVE(MamEnergy, "mam-energy", "marginalization model from an energy: REINFORCE and self-consistency",
                     manual, parameters, "energy model-sampler");
