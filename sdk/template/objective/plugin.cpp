// The objective '@NAME@': a marginalization model p of an energy f, by REINFORCE and a penalty on inconsistency.
//   minimise KL(p || f/Z) + penalty * D * E[(log p(x_S) + log p(x_d | x_S) - log p(x_S, x_d))²]
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <marginalia/objective.h>
#include <marginalia/orders.h>

namespace {

using marginalia::ParameterType;

// What may be written in [objective] of an experiment file.
constexpr marginalia::Parameter parameters[] = {
    {.name = "penalty",
     .type = ParameterType::number,
     .fallback = "1.0",
     .minimum = 0,
     .maximum = 1e6,
     .help = "weight of the self-consistency penalty"},
};

constexpr const char* manual = R"(KL(p || f/Z) by REINFORCE with the batch mean as baseline, and a penalty on the
difference between log p(x_S) + log p(x_d | x_S) and log p(x_S, x_d) at a random link of a random chain. The networks
fix log p(all □) = 0, so consistency alone normalises p, and Z is not needed.)";

class @TYPE@ final : public marginalia::Objective {
public:
    @TYPE@(const marginalia::Params& params, const marginalia::TrainingSetup& setup)
        : weight_(params.number("penalty") * static_cast<double>(setup.domain.sites)),
          categories_(setup.domain.categories) {
        if (setup.batch < 2)
            throw marginalia::Error("train.batch 1 leaves no baseline to compare with; give 2 or more");
    }

    // A scalar to minimise; the host does the rest (optimiser, schedule, clipping, checkpoints). The pointers of `step`
    // that are named at the end of this file (energy, sampler) are never null.
    at::Tensor loss(marginalia::TrainingStep & step) override {
        const at::Tensor x = draw(step);
        step.energy->start(x);  // log f on other threads, while the network works
        const at::Tensor log_p = step.network.log_marginal(x);
        const at::Tensor penalty = inconsistency(step.network, x, step.generator);

        // Gradient of the KL: E[∇ log p(x) (log p(x) - log f(x) - baseline)].
        const at::Tensor log_ratio = log_p.detach().to(at::kDouble) - step.energy->finish();
        const at::Tensor advantage = (log_ratio - log_ratio.mean()).to(log_p.dtype());
        const at::Tensor loss = (advantage * log_p).mean() + weight_ * penalty;
        step.metrics = {{"loss", loss.detach()}, {"penalty", penalty.detach()}, {"log_z_estimate", -log_ratio.mean()}};
        return loss;
    }

    // An objective with weights of its own (a learned log Z) overrides parameters(); one that keeps anything else
    // between steps overrides state() and load(), so that it is part of the checkpoint.

private:
    // Samplers are called with grad mode off.
    static at::Tensor draw(marginalia::TrainingStep & step) {
        const at::NoGradGuard no_grad;
        return step.sampler->draw(step.network, step.generator);
    }

    // Mean squared difference in nats² at one random link x_S -> x_S, x_d of each row.
    at::Tensor inconsistency(const marginalia::Network& network, const at::Tensor& x, at::Generator& generator) const {
        const auto link = marginalia::random_chain_link(x, categories_, generator);
        const auto [log_p, logits] = network.joint(at::cat({link.before, link.after}), link.site);  // one pass for both
        const at::Tensor conditional = logits.log_softmax(1).gather(1, link.symbol.unsqueeze(1)).squeeze(1);
        const auto parts = log_p.chunk(2);
        return (parts[0] + conditional - parts[1]).square().mean();
    }

    const double weight_;
    const std::int64_t categories_;
};

}  // namespace

MARGINALIA_OBJECTIVE(@TYPE@, "@NAME@", "marginalization model of an energy: REINFORCE and consistency", manual,
                     parameters, "energy model-sampler");
