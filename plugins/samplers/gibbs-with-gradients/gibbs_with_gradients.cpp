#include <ATen/ATen.h>

#include <cstdio>
#include <numeric>

#include "chains/chains.h"
#include "informed_proposal.h"

namespace {

using marginalia::ParameterType;

constexpr marginalia::Parameter parameters[] = {
    {.name = "steps",
     .type = ParameterType::integer,
     .fallback = "10",
     .minimum = 1,
     .maximum = 1e9,
     .unit = "steps",
     .help = "proposals a draw, each to change one site"},
    {.name = "burn_in",
     .type = ParameterType::integer,
     .fallback = "1000",
     .minimum = 0,
     .maximum = 1e9,
     .unit = "steps",
     .help = "before the first draw, on top of its own"},
    chains::start_parameter,
};

constexpr const char* manual = R"(B persistent chains on the energy itself. A step proposes to give site d the value k
with probability

    q(d, k | x) = exp(Δ(d, k) / 2) / sum over all other values k' of all sites d' of exp(Δ(d', k') / 2)

where Δ(d, k) are the energy's `differences`, log f(x with x_d = k) - log f(x), exact or by its gradient, and accepts x'
with probability min(1, f(x') q(x | x') / (f(x) q(x' | x))). So p* is left invariant even where the differences are
rough; they only set how often proposals are accepted, which the sampler reports. An energy without differences is
refused; those of the lattices and graphical models are exact, `rbm` gives its gradient.

A step costs one evaluation of the differences, one of log f and D K exponentials, and changes at most one site. It pays
where few sites of a state are worth changing, as in trained models of data; on lattices of short range a sweep of
single-site-gibbs is cheaper.

Each chain has random numbers of its own, so that the states do not depend on the number of threads. They are part of
the checkpoint.

References: W. Grathwohl, K. Swersky, M. Hashemi, D. Duvenaud, C. J. Maddison, Oops I took a gradient: scalable sampling
for discrete distributions, ICML 2021 (arXiv 2102.04509). G. Zanella, Informed proposals for local MCMC in discrete
spaces, J. Amer. Statist. Assoc. 115, 852 (2020).)";

class GibbsWithGradients final : public chains::EnergyChains {
public:
    GibbsWithGradients(const marginalia::Params& params, const marginalia::TrainingSetup& setup,
                       at::Generator& generator)
        : EnergyChains("steps", params, setup, generator), accepted_(static_cast<std::size_t>(setup.batch), 0) {
        chains_.make_possible();  // differences are for states of f > 0
        gibbs_with_gradients::InformedProposal(chains_.energy()).look(chains_.state(0));
    }

    std::string report() const override {
        const auto accepted = std::accumulate(accepted_.begin(), accepted_.end(), std::int64_t{0});
        const auto tried = static_cast<double>(done()) * static_cast<double>(chains_.count());
        char line[200];
        std::snprintf(line, sizeof line, "%lld chains, %lld steps each; proposals accepted: %.3f",
                      static_cast<long long>(chains_.count()), static_cast<long long>(done()),
                      tried > 0 ? static_cast<double>(accepted) / tried : 0.0);
        return line;
    }

    marginalia::StateDict state() const override {
        marginalia::StateDict state = EnergyChains::state();
        state["accepted"] = chains::counters(accepted_);
        return state;
    }

    void load(const marginalia::StateDict& state) override {
        EnergyChains::load(state);
        accepted_ = chains::counters(state.at("accepted"));
    }

private:
    void move(std::int64_t chain, std::int64_t steps) override {
        accepted_[static_cast<std::size_t>(chain)] +=
            gibbs_with_gradients::walk(chains_.energy(), chains_.state(chain), steps, chains_.random(chain));
    }

    std::vector<std::int64_t> accepted_;  // of each chain
};

}  // namespace

MARGINALIA_SAMPLER(chains::Ahead<GibbsWithGradients>, "gibbs-with-gradients",
                   "persistent chains on the energy whose proposals its differences guide", manual, parameters,
                   "energy");
