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

}  // namespace

MARGINALIA_SAMPLER(chains::Ahead<SingleSiteGibbs>, "single-site-gibbs", "persistent heat-bath chains on the energy",
                   manual, parameters, "energy");
