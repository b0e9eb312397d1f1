#include <cmath>

#include <ATen/ATen.h>
#include <marginalia/objective.h>
#include <torch/csrc/autograd/autograd.h>

#include "../latent_codes.h"

namespace {

using marginalia::Network;
using marginalia::Parameter;
using marginalia::ParameterType;
using marginalia::TrainingStep;

constexpr Parameter parameters[] = {
    {.name = "gradient",
     .type = ParameterType::text,
     .fallback = "\"gumbel\"",
     .choices = "gumbel|reinforce",
     .help = "of the generator through its draws: straight through the Gumbel-softmax, or by REINFORCE"},
    {.name = "temperature",
     .type = ParameterType::number,
     .fallback = "1.0",
     .minimum = 1e-3,
     .maximum = 1e3,
     .help = "of the Gumbel-softmax"},
    {.name = "decay",
     .type = ParameterType::number,
     .fallback = "0.3",
     .minimum = 0,
     .maximum = 1e3,
     .help = "weight of E[c²] over data and draws, which keeps the critic near 0"},
};

constexpr const char* manual =
    R"(A generative adversarial network for discrete states, with network `gan`: a critic c(x)
learns to tell the data's states from the generator's, and the generator to be taken for the data. With x of the dataset
and x' ~ p(. | z), z ~ N(0, 1):

    critic:      E[softplus(-c(x))] + E[softplus(c(x'))] + decay (E[c(x)²] + E[c(x')²])
    generator:   E[softplus(-c(x'))]

both in every step. A drawn state has no gradient. With `gumbel` the one-hot form of x' = argmax(logits + Gumbel noise)
is given the gradient of softmax((logits + noise) / temperature): biased, of little variance. With `reinforce` the
generator ascends (c(x') - its mean over the batch) log p(x' | z): unbiased for E[c(x')], of much variance.

Adam with beta1 = 0.5 suits the two better than 0.9. The model draws states and knows no probability: there are no
figures of likelihood, no marginals and no completions. It is judged by its draws, by the figures that every family has:
`pixel_distance`, `pair_distance` and, of digits, `frechet_distance` of pictures, `ngram_distance_N` of sequences,
`unique`, `novel`, observables. Records `loss` (that of the critic), `generator_loss`, and `critic_data` and
`critic_drawn`, the means of c, which meet where the critic is at a loss.

References: I. Goodfellow et al., Generative adversarial nets, NeurIPS 2014 (arXiv 1406.2661). E. Jang, S. Gu, B. Poole,
Categorical reparameterization with Gumbel-softmax, ICLR 2017 (arXiv 1611.01144). R. J. Williams, Simple statistical
gradient-following algorithms for connectionist reinforcement learning, Mach. Learn. 8, 229 (1992).)";

class GeneratorModel final : public marginalia::Model {
public:
    using Model::Model;

    Density density() const override { return Density::none; }

    marginalia::Generated generate(std::int64_t count, at::Generator& generator,
                                   const marginalia::Tick& tick) const override {
        const at::Tensor logits = network().by_rows("decode", {marginalia::prior_codes(network(), count, generator)});
        tick();
        return {marginalia::draw_sites(logits, generator),
                at::full({count}, NAN, at::TensorOptions().dtype(at::kDouble).device(generator.device()))};
    }

    at::Tensor log_density(const at::Tensor&, at::Generator&, const marginalia::Tick&) const override {
        throw marginalia::Error(
            "a generative adversarial network draws states and knows no probability; use sample, or another objective");
    }
};

class Adversarial final : public marginalia::Objective {
public:
    Adversarial(const marginalia::Params& params, const marginalia::TrainingSetup& setup)
        : setup_(setup), reinforce_(params.text("gradient") == "reinforce"), temperature_(params.number("temperature")),
          decay_(params.number("decay")) {}

    at::Tensor loss(TrainingStep& step) override {
        marginalia::require_methods(step.network, "gan", {"decode", "judge"});
        const at::Tensor data = one_hot(marginalia::training_states(step, setup_));
        const at::Tensor logits =
            step.network.by_rows("decode", {marginalia::prior_codes(step.network, setup_.batch, step.generator)});
        const at::Tensor drawn = draw(logits, step.generator), state = drawn.detach().requires_grad_(!reinforce_);
        const at::Tensor of_data = judge(step.network, data), of_drawn = judge(step.network, state);
        const at::Tensor critic = at::softplus(-of_data).mean() + at::softplus(of_drawn).mean() +
                                  decay_ * (of_data.square().mean() + of_drawn.square().mean());
        const at::Tensor generator =
            reinforce_ ? ascent(logits, drawn, of_drawn.detach()) : descent(drawn, state, of_drawn);
        step.metrics = {{"loss", critic.detach()},
                        {"generator_loss", at::softplus(-of_drawn.detach()).mean()},
                        {"critic_data", of_data.detach().mean()},
                        {"critic_drawn", of_drawn.detach().mean()}};
        return critic + generator;
    }

    std::unique_ptr<marginalia::Model> model(const Network& network, at::Generator&,
                                             const marginalia::Tick&) const override {
        return std::make_unique<GeneratorModel>(network);
    }

    bool trains_marginals() const override { return false; }

private:
    at::Tensor one_hot(const at::Tensor& x) const { return at::one_hot(x, setup_.domain.categories).to(at::kFloat); }

    static at::Tensor judge(const Network& network, const at::Tensor& p) {
        return network.by_rows("judge", {p}).to(at::kFloat);
    }

    // One-hot states (B, D, K), with a gradient unless REINFORCE is to find one.
    at::Tensor draw(const at::Tensor& logits, at::Generator& generator) const {
        if (reinforce_) return one_hot(marginalia::draw_sites(logits.detach(), generator));
        const at::Tensor uniform = at::rand(logits.sizes(), generator, logits.options().requires_grad(false));
        const at::Tensor noisy = logits - (-(uniform.clamp_min(1e-20).log())).log();
        const at::Tensor soft = (noisy / temperature_).softmax(2);
        return one_hot(noisy.argmax(2)) + (soft - soft.detach());
    }

    // Has the generator's gradient of E[softplus(-c)] and none of the critic's.
    static at::Tensor descent(const at::Tensor& drawn, const at::Tensor& state, const at::Tensor& of_drawn) {
        const at::Tensor slope =
            torch::autograd::grad({at::softplus(-of_drawn).mean()}, {state}, {}, /*retain_graph=*/true)[0];
        return (drawn * slope.detach()).sum();
    }

    static at::Tensor ascent(const at::Tensor& logits, const at::Tensor& drawn, const at::Tensor& reward) {
        const at::Tensor log_p = (logits.log_softmax(2) * drawn).sum({1, 2});
        return -((reward - reward.mean()) * log_p).mean();
    }

    const marginalia::TrainingSetup setup_;
    const bool reinforce_;
    const double temperature_, decay_;
};

}  // namespace

MARGINALIA_OBJECTIVE(Adversarial, "gan", "generator against critic, for discrete states", manual, parameters,
                     "dataset");
