#include <cmath>
#include <optional>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <marginalia/objective.h>

#include "langevin.h"

namespace {

using marginalia::Parameter;
using marginalia::ParameterType;

constexpr Parameter parameters[] = {
    {.name = "moves",
     .type = ParameterType::integer,
     .fallback = "5",
     .minimum = 1,
     .maximum = 1e6,
     .unit = "moves",
     .help = "discrete Langevin moves of the persistent chains a step"},
    {.name = "step",
     .type = ParameterType::number,
     .fallback = "1.0",
     .minimum = 1e-3,
     .maximum = 1e3,
     .help = "of the Langevin proposal; larger moves more sites at a time and is accepted less often"},
    {.name = "restart",
     .type = ParameterType::number,
     .fallback = "0.02",
     .minimum = 0,
     .maximum = 1,
     .help = "fraction of the chains that start again from random states a step"},
    {.name = "decay",
     .type = ParameterType::number,
     .fallback = "1e-3",
     .minimum = 0,
     .maximum = 1e3,
     .help = "weight of E[(log q)²] over data and chains, which keeps the energy near 0"},
    {.name = "annealing",
     .type = ParameterType::integer,
     .fallback = "300",
     .minimum = 1,
     .maximum = 1e7,
     .unit = "moves",
     .help = "moves from the uniform distribution to the model in evaluation, for its states and for log Z"},
};

constexpr const char* manual = R"(An energy-based model q(x) = exp(g(x)) / Z_θ learned from states by persistent
contrastive divergence: a common method for discrete data where no density is needed, here for comparison with models
that know theirs. g is the network's marginal head on full states, without its normalisation.

    loss = -E_data[g(x)] + E_chains[g(x)] + decay (E_data[g²] + E_chains[g²])

The states are the sampler's or the dataset's. The negative states are persistent chains, moved by the
Metropolis-adjusted discrete Langevin proposal: all sites at once, from the gradient of g in the symbols, which the
network must offer (log_marginal_relaxed: lattice-conv, mlp, mps). A move costs a pass forward and back.

The model has neither conditionals nor marginals: it gives no log p(x_S), and its density needs log Z_θ. Evaluation runs
annealed chains from the uniform distribution, `annealing` moves each; their ends serve as the model's states and their
mean weight estimates Z_θ (annealed importance sampling). On average log Z_θ comes out too low, which makes
nll_bits_estimate too low and kl_estimate too high; chains that have not settled, and the error of the one log Z_θ that
all states share, can move either figure both ways. Records `loss` (E_data[g] - E_chains[g] with its sign turned),
`acceptance` and `flips` (the share of sites changed) of the moves.

References: T. Tieleman, Training restricted Boltzmann machines using approximations to the likelihood gradient,
ICML 2008. W. Grathwohl et al., Oops I took a gradient: scalable sampling for discrete distributions, ICML 2021. R.
Zhang, X. Liu, Q. Liu, A Langevin-like sampler for discrete distributions, ICML 2022. R. M. Neal, Annealed importance
sampling, Stat. Comput. 11, 125 (2001).)";

at::Tensor random_states(const marginalia::Domain& domain, std::int64_t rows, at::Generator& generator,
                         const at::Device& device) {
    return at::randint(domain.categories, {rows, domain.sites}, generator,
                       at::TensorOptions().dtype(at::kLong).device(device));
}

class EnergyBasedModel final : public marginalia::Model {
public:
    EnergyBasedModel(const marginalia::Network& network, double step, std::int64_t moves, at::Generator& generator,
                     const marginalia::Tick& tick)
        : Model(network), step_(step), moves_(moves) {
        constexpr std::int64_t runs = 512;
        const Annealed ends = anneal(runs, generator, tick);
        log_z_ = (ends.log_weight.logsumexp(0) - std::log(static_cast<double>(runs))).item<double>();
    }

    Density density() const override { return Density::estimate; }

    marginalia::Generated generate(std::int64_t count, at::Generator& generator,
                                   const marginalia::Tick& tick) const override {
        const Annealed ends = anneal(count, generator, tick);
        return {ends.x, ends.log_q - log_z_};
    }

    at::Tensor log_density(const at::Tensor& x, at::Generator&, const marginalia::Tick&) const override {
        if ((x == network().domain().categories).any().item<bool>())
            throw marginalia::Error("an energy-based model has no density for partial states; give full ones");
        return network().log_density(x).to(at::kDouble) - log_z_;
    }

private:
    struct Annealed {
        at::Tensor x, log_q, log_weight;
    };

    Annealed anneal(std::int64_t rows, at::Generator& generator, const marginalia::Tick& tick) const {
        const marginalia::Domain& domain = network().domain();
        LangevinChains chains(network(), random_states(domain, rows, generator, generator.device()), step_);
        const double uniform = static_cast<double>(domain.sites) * std::log(static_cast<double>(domain.categories));
        at::Tensor log_weight =
            at::full({rows}, uniform, at::TensorOptions().dtype(at::kDouble).device(generator.device()));
        for (std::int64_t t = 1; t <= moves_; ++t) {
            log_weight += chains.log_q() / static_cast<double>(moves_);  // from β = (t - 1) / T to t / T
            chains.move(static_cast<double>(t) / static_cast<double>(moves_), generator);
            tick();
        }
        return {chains.x(), chains.log_q(), log_weight};
    }

    const double step_;
    const std::int64_t moves_;
    double log_z_ = 0;
};

class PersistentContrastiveDivergence final : public marginalia::Objective {
public:
    PersistentContrastiveDivergence(const marginalia::Params& params, const marginalia::TrainingSetup& setup)
        : setup_(setup), moves_(params.integer("moves")), step_(params.number("step")),
          restart_(params.number("restart")), decay_(params.number("decay")), annealing_(params.integer("annealing")) {}

    at::Tensor loss(marginalia::TrainingStep& step) override {
        const at::Tensor data = marginalia::training_states(step, setup_);
        if (!chains_.defined()) chains_ = random_states(setup_.domain, setup_.batch, step.generator, setup_.device);
        move_chains(step);
        const at::Tensor g = step.network.log_density(at::cat({data, chains_}));
        const at::Tensor positive = g.slice(0, 0, data.size(0)), negative = g.slice(0, data.size(0));
        const at::Tensor contrast = negative.mean() - positive.mean();
        step.metrics["loss"] = contrast.detach();
        return contrast + decay_ * (positive.square().mean() + negative.square().mean());
    }

    std::unique_ptr<marginalia::Model> model(const marginalia::Network& network, at::Generator& generator,
                                             const marginalia::Tick& tick) const override {
        return std::make_unique<EnergyBasedModel>(network, step_, annealing_, generator, tick);
    }

    bool trains_marginals() const override { return false; }
    marginalia::StateDict state() const override {
        return chains_.defined() ? marginalia::StateDict{{"chains", chains_}} : marginalia::StateDict{};
    }
    void load(const marginalia::StateDict& state) override {
        if (state.contains("chains"))
            chains_ = marginalia::saved_states(state, "chains", setup_.domain).to(setup_.device).clone();
    }

private:
    void move_chains(marginalia::TrainingStep& step) {
        const at::Tensor anew =
            at::rand({chains_.size(0), 1}, step.generator, at::TensorOptions().device(chains_.device())) < restart_;
        const at::Tensor start =
            at::where(anew, random_states(setup_.domain, setup_.batch, step.generator, setup_.device), chains_);
        LangevinChains chains(step.network, start, step_);
        for (std::int64_t i = 0; i < moves_; ++i) chains.move(1, step.generator);
        chains_ = chains.x();
        step.metrics["acceptance"] = chains.acceptance().to(at::kFloat);
        step.metrics["flips"] = (chains_ != start).to(at::kFloat).mean();
    }

    const marginalia::TrainingSetup setup_;
    const std::int64_t moves_;
    const double step_;
    const double restart_;
    const double decay_;
    const std::int64_t annealing_;
    at::Tensor chains_;  // (B, D)
};

}  // namespace

MARGINALIA_OBJECTIVE(PersistentContrastiveDivergence, "pcd",
                     "energy-based model from states: persistent contrastive divergence", manual, parameters, "states");
