#include <numbers>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <marginalia/objective.h>

namespace {

using marginalia::Error;
using marginalia::Parameter;
using marginalia::ParameterType;

constexpr Parameter parameters[] = {
    {.name = "method",
     .type = ParameterType::text,
     .fallback = "\"gradient\"",
     .choices = "gradient|em",
     .help =
         "by the host's optimiser, or by stochastic expectation maximisation, whose step size is train.learning_rate"},
};

constexpr const char* manual = R"(Maximum likelihood of a network whose marginals are exact, such as a probabilistic
circuit (einet) or a matrix product state (mps). On a batch of states, from the dataset or from a sampler of an energy:

    loss = -mean of log p_θ(x)     nats

There is no bound and no order: log p_θ is a normalised density, so the loss is the negative log-likelihood itself, for
one pass. A network that obeys the sum rule only approximately could raise log p_θ without limit. Networks that do not
say that they are consistent are therefore tried on the sum rule, at one site of the batch in steps 1, 10, 100 and so
on, and refused where it fails by more than 0.01 nats. Records `loss` (nats a row) and `train_bits` (bits a site). The
final `nll_bits` is exact.

Method "em" is for networks that offer it (einet). With n the expected counts of a batch, found by one pass up and one
back, and λ the learning rate of the step, all weights of each sum and leaf distribution become

    w <- (1 - λ) w + λ n / Σ n,     n = w ∂ log p / ∂w summed over the rows

λ = 1 on all rows is EM itself, which never lowers the likelihood; batches want 0.2 or so, falling to 0.01. Momentum,
clipping and weight decay of [train] then have no effect; averaging of the weights goes on. A step costs as much as one
of gradient training without the optimiser.

References: R. Peharz et al., Einsum networks: fast and scalable learning of tractable probabilistic circuits, ICML 2020
(arXiv 2004.06231).)";

bool is_power_of_ten(std::int64_t step) {
    while (step % 10 == 0) step /= 10;
    return step == 1;
}

class CircuitLikelihood final : public marginalia::Objective {
public:
    CircuitLikelihood(const marginalia::Params& params, const marginalia::TrainingSetup& setup)
        : setup_(setup), em_(params.text("method") == "em") {}

    at::Tensor loss(marginalia::TrainingStep& step) override {
        const at::Tensor x = marginalia::training_states(step, setup_);
        if (!step.network.consistent() && is_power_of_ten(step.step)) check_sum_rule(step, x);
        const at::Tensor loss = -step.network.log_density(x).mean();
        record(step, loss.detach());
        return loss;
    }

    bool update(marginalia::TrainingStep& step, double rate) override {
        if (!em_) return false;
        if (rate > 1)
            throw Error("method = \"em\" goes train.learning_rate of the way to the new weights, and " +
                        std::to_string(rate) + " is beyond them; give at most 1");
        record(step, -step.network.em(marginalia::training_states(step, setup_), rate));
        return true;
    }

private:
    void record(marginalia::TrainingStep& step, const at::Tensor& loss) const {
        step.metrics = {{"loss", loss},
                        {"train_bits", loss / (static_cast<double>(setup_.domain.sites) * std::numbers::ln2)}};
    }

    void check_sum_rule(marginalia::TrainingStep& step, const at::Tensor& x) const {
        const at::NoGradGuard no_grad;
        const std::int64_t symbols = setup_.domain.categories;
        at::Tensor forks = x.unsqueeze(0).repeat({symbols + 1, 1, 1});
        forks.select(2, step.step % setup_.domain.sites) = at::arange(symbols + 1, x.options()).unsqueeze(1);
        const at::Tensor log_p = step.network.log_marginal(forks.flatten(0, 1)).view({symbols + 1, -1});
        const at::Tensor gap = log_p.slice(0, 0, symbols).logsumexp({0}) - log_p[symbols];
        step.doubts.push_back({gap.abs().max(), breach});
    }

    static std::string breach(double worst) {
        constexpr double most = 0.01;  // nats; rounding stays well below
        if (worst < most) return "";
        return "the network's marginals break the sum rule by " + std::to_string(worst) +
               " nats, so that its likelihood has no greatest value; use a network with exact marginals, such as einet "
               "or mps, or an objective that trains the conditionals, such as ao-arm";
    }

    const marginalia::TrainingSetup setup_;
    const bool em_;
};

}  // namespace

MARGINALIA_OBJECTIVE(CircuitLikelihood, "circuit-mle", "maximum likelihood of a network with exact marginals", manual,
                     parameters, "states");
