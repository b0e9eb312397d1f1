#include <array>
#include <numbers>

#include <ATen/ATen.h>
#include <marginalia/objective.h>

namespace {

constexpr const char* manual = R"(Maximum likelihood of a network that has an exact density of full states and draws
from it, and nothing else: network `discrete-flow`.

    loss = -mean of log p(x) over a batch of states     nats

The states are the sampler's or the dataset's. There is no log p of partial states and no completion; `nll_bits` is
exact, and one pass. Records `loss` (nats a row) and `train_bits` (bits a site).

References: D. Tran, K. Vafa, K. Agrawal, L. Dinh, B. Poole, Discrete flows: invertible generative models of discrete
data, NeurIPS 2019 (arXiv 1905.10347).)";

class FlowModel final : public marginalia::Model {
public:
    using Model::Model;

    marginalia::Generated generate(std::int64_t count, at::Generator& generator,
                                   const marginalia::Tick& tick) const override {
        const at::TensorOptions floats = at::TensorOptions().device(generator.device());
        const at::Tensor x = network().sample(at::rand({count, network().domain().sites}, generator, floats));
        return {x, log_density(x, generator, tick)};
    }

    at::Tensor log_density(const at::Tensor& x, at::Generator&, const marginalia::Tick& tick) const override {
        if ((x == network().domain().categories).any().item<bool>())
            throw marginalia::Error("a discrete flow has no density for partial states; give full ones");
        tick();
        return network().log_density(x).to(at::kDouble);
    }
};

class FlowLikelihood final : public marginalia::Objective {
public:
    FlowLikelihood(const marginalia::Params&, const marginalia::TrainingSetup& setup) : setup_(setup) {}

    at::Tensor loss(marginalia::TrainingStep& step) override {
        const at::Tensor loss = -step.network.log_density(marginalia::training_states(step, setup_)).mean();
        step.metrics = {{"loss", loss.detach()},
                        {"train_bits", loss.detach() / (static_cast<double>(setup_.domain.sites) * std::numbers::ln2)}};
        return loss;
    }

    std::unique_ptr<marginalia::Model> model(const marginalia::Network& network, at::Generator&,
                                             const marginalia::Tick&) const override {
        return std::make_unique<FlowModel>(network);
    }

    bool trains_marginals() const override { return false; }

private:
    const marginalia::TrainingSetup setup_;
};

constexpr std::array<marginalia::Parameter, 0> parameters{};

}  // namespace

MARGINALIA_OBJECTIVE(FlowLikelihood, "discrete-flow", "maximum likelihood of a discrete flow", manual, parameters,
                     "states");
