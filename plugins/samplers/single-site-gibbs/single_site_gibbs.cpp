#include <ATen/ATen.h>

#include "chains/device_chains.h"

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
    chains::burn_in_parameter(),
    chains::start_parameter,
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

On a GPU, where the energy can be there, all chains are drawn there at once, one colour of sites after another: no two
sites of a colour share a term of log f. They take the trial's own random numbers. An energy in which all sites share a
term, as in `rbm`, is drawn site by site. Chains of a script that start at a state of f = 0 leave it in the burn-in.

References: S. Geman, D. Geman, Stochastic relaxation, Gibbs distributions, and the Bayesian restoration of images, IEEE
PAMI 6, 721 (1984). R. J. Glauber, Time-dependent statistics of the Ising model, J. Math. Phys. 4, 294 (1963).)";

class SingleSiteGibbs final : public chains::EnergyChains {
public:
    SingleSiteGibbs(const marginalia::Params& params, const marginalia::TrainingSetup& setup, at::Generator& generator)
        : EnergyChains("sweeps", params, setup, generator) {}

private:
    void move(std::int64_t chain, std::int64_t sweeps) override {
        for (std::int64_t i = 0; i < sweeps; ++i)
            marginalia::heat_bath_sweep(chains_.energy(), chains_.state(chain), 1, chains_.random(chain));
    }
};

class SingleSiteGibbsOnDevice final : public marginalia::Sampler {
public:
    SingleSiteGibbsOnDevice(const marginalia::Params& params, const marginalia::TrainingSetup& setup,
                            at::Generator& generator)
        : sweeps_(params.integer("sweeps")), burn_in_(params.integer("burn_in")),
          chains_(*setup.device_energy, setup.batch, chains::start_of(params.text("start")), generator) {}

    at::Tensor draw(const marginalia::Network&, at::Generator& generator) override {
        const std::int64_t count = sweeps_ + (done_ == 0 ? burn_in_ : 0);
        for (std::int64_t i = 0; i < count; ++i) chains_.sweep({}, generator);
        done_ += count;
        return chains_.states().clone();
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
    chains::DeviceChains chains_;
    std::int64_t done_ = 0;  // sweeps of each chain
};

marginalia::Sampler* create(const marginalia::Params& params, const marginalia::TrainingSetup& setup,
                            at::Generator& generator) {
    chains::energy_of(setup);  // refuses a setup without, on either device
    if (setup.device_energy) return new SingleSiteGibbsOnDevice(params, setup, generator);
    return new chains::Ahead<SingleSiteGibbs>(params, setup, generator);
}

}  // namespace

MARGINALIA_PLUGIN(MARGINALIA_TORCH_BUILD_TAG, "sampler", "single-site-gibbs",
                  "persistent heat-bath chains on the energy", manual, parameters, &create, "energy");
