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
    {.name = "start",
     .type = ParameterType::text,
     .fallback = "\"random\"",
     .choices = chains::start_words,
     .help = "chains start at random states, or at all 0, all 1, .. and a random state in turn"},
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

class GibbsWithGradients final : public marginalia::Sampler {
public:
    GibbsWithGradients(const marginalia::Params& params, const marginalia::TrainingSetup& setup,
                       at::Generator& generator)
        : steps_(params.integer("steps")), burn_in_(params.integer("burn_in")), device_(setup.device),
          chains_(chains::energy_of(setup), setup.batch, chains::start_of(params.text("start")), generator),
          accepted_(static_cast<std::size_t>(setup.batch), 0) {
        chains_.make_possible();  // differences are for states of f > 0
        gibbs_with_gradients::InformedProposal(chains_.energy()).look(chains_.state(0));
    }

    at::Tensor draw(const marginalia::Network&, at::Generator&) override {
        const std::int64_t steps = steps_ + (done_ == 0 ? burn_in_ : 0);
        chains::for_each(chains_.count(), [&](std::int64_t chain) {
            accepted_[static_cast<std::size_t>(chain)] +=
                gibbs_with_gradients::walk(chains_.energy(), chains_.state(chain), steps, chains_.random(chain));
        });
        done_ += steps;
        return chains_.rows().to(device_);
    }

    std::string report() const override {
        const auto accepted = std::accumulate(accepted_.begin(), accepted_.end(), std::int64_t{0});
        const auto tried = static_cast<double>(done_) * static_cast<double>(chains_.count());
        char line[200];
        std::snprintf(line, sizeof line, "%lld chains, %lld steps each; proposals accepted: %.3f",
                      static_cast<long long>(chains_.count()), static_cast<long long>(done_),
                      tried > 0 ? static_cast<double>(accepted) / tried : 0.0);
        return line;
    }

    marginalia::StateDict state() const override {
        marginalia::StateDict state{{"steps", chains::counters({done_})}, {"accepted", chains::counters(accepted_)}};
        chains_.save(state);
        return state;
    }

    void load(const marginalia::StateDict& state) override {
        chains_.load(state);
        done_ = chains::counters(state.at("steps")).at(0);
        accepted_ = chains::counters(state.at("accepted"));
    }

private:
    const std::int64_t steps_, burn_in_;
    const at::Device device_;
    chains::Chains chains_;
    std::int64_t done_ = 0;               // steps of each chain
    std::vector<std::int64_t> accepted_;  // of each chain
};

}  // namespace

MARGINALIA_SAMPLER(GibbsWithGradients, "gibbs-with-gradients",
                   "persistent chains on the energy whose proposals its differences guide", manual, parameters,
                   "energy");
