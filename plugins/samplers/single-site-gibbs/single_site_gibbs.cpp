#include <ATen/ATen.h>

#include "chains/chains.h"

namespace {

using marginalia::ParameterType;

constexpr marginalia::Parameter parameters[] = {
    {.name = "sweeps",
     .type = ParameterType::integer,
     .fallback = "1",
     .minimum = 1,
     .maximum = 1e9,
     .unit = "sweeps",
     .help = "updates of every site a draw"},
    {.name = "burn_in",
     .type = ParameterType::integer,
     .fallback = "100",
     .minimum = 0,
     .maximum = 1e9,
     .unit = "sweeps",
     .help = "before the first draw, on top of its own"},
    {.name = "start",
     .type = ParameterType::text,
     .fallback = "\"random\"",
     .choices = chains::start_words,
     .help = "chains start at random states, or at all 0, all 1, .. and a random state in turn"},
};

constexpr const char* manual = R"(B persistent heat-bath chains on the energy itself, independent of the network: a
sweep draws every site in turn from

    p*(x_d = k | the other sites) = f(x with x_d = k) / sum_k' f(x with x_d = k')

which leaves p* invariant. What is drawn follows p* once the chains have forgotten their start. Single-site updates
forget slowly near an ordering temperature, and practically never below one or in a glass: use parallel-tempering there.
With `start = "spread"` chains that disagree show what has not mixed. A chain that starts at a state of f = 0 sweeps
until it is at a possible one.

A site update costs one `site_log_densities` of the energy: its neighbours for lattices and graphical models (tens of
nanoseconds), K evaluations of log f where an energy has nothing better. Each chain has random numbers of its own, so
that the states do not depend on the number of threads. They are part of the checkpoint.

References: S. Geman, D. Geman, Stochastic relaxation, Gibbs distributions, and the Bayesian restoration of images, IEEE
PAMI 6, 721 (1984). R. J. Glauber, Time-dependent statistics of the Ising model, J. Math. Phys. 4, 294 (1963).)";

class SingleSiteGibbs final : public marginalia::Sampler {
public:
    SingleSiteGibbs(const marginalia::Params& params, const marginalia::TrainingSetup& setup, at::Generator& generator)
        : sweeps_(params.integer("sweeps")), burn_in_(params.integer("burn_in")), device_(setup.device),
          chains_(chains::energy_of(setup), setup.batch, chains::start_of(params.text("start")), generator) {}

    at::Tensor draw(const marginalia::Network&, at::Generator&) override {
        if (done_ == 0) chains_.make_possible();
        const std::int64_t sweeps = sweeps_ + (done_ == 0 ? burn_in_ : 0);
        chains::for_each(chains_.count(), [&](std::int64_t chain) {
            for (std::int64_t i = 0; i < sweeps; ++i)
                marginalia::heat_bath_sweep(chains_.energy(), chains_.state(chain), 1, chains_.random(chain));
        });
        done_ += sweeps;
        return chains_.rows().to(device_);
    }

    std::string report() const override {
        return std::to_string(chains_.count()) + " chains, " + std::to_string(done_) + " sweeps each";
    }

    marginalia::StateDict state() const override {
        marginalia::StateDict state{{"sweeps", chains::counters({done_})}};
        chains_.save(state);
        return state;
    }

    void load(const marginalia::StateDict& state) override {
        chains_.load(state);
        done_ = chains::counters(state.at("sweeps")).at(0);
    }

private:
    const std::int64_t sweeps_, burn_in_;
    const at::Device device_;
    chains::Chains chains_;
    std::int64_t done_ = 0;  // sweeps of each chain
};

}  // namespace

MARGINALIA_SAMPLER(SingleSiteGibbs, "single-site-gibbs", "persistent heat-bath chains on the energy", manual,
                   parameters, "energy");
