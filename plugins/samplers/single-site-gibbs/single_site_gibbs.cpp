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

constexpr const char* manual = R"(
B persistent heat-bath chains on the energy itself: a sweep draws every site in turn from p*(x_d | the other sites),
which leaves p* invariant. Independent of the network. What is drawn follows p* once the chains have forgotten their
start; single-site updates forget slowly near and below an ordering temperature: see parallel-tempering.

Each chain has random numbers of its own, so that the states do not depend on the number of threads.

References: S. Geman, D. Geman, Stochastic relaxation, Gibbs distributions, and the Bayesian restoration of images, IEEE
PAMI 6, 721 (1984). R. J. Glauber, Time-dependent statistics of the Ising model, J. Math. Phys. 4, 294 (1963).
)";

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

MARGINALIA_SAMPLER(SingleSiteGibbs, "single-site-gibbs", "persistent heat-bath chains on the energy", manual,
                   parameters, "energy");
