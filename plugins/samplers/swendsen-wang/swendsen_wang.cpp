#include <ATen/ATen.h>
#include <marginalia/energy.h>

#include "chains/chains.h"
#include "clusters/cluster_moves.h"

namespace {

constexpr marginalia::Parameter parameters[] = {
    {.name = "sweeps",
     .type = marginalia::ParameterType::integer,
     .fallback = "1",
     .minimum = 1,
     .maximum = 1e9,
     .unit = "sweeps",
     .help = "cluster updates of all sites a draw"},
    chains::burn_in_parameter(),
    chains::start_parameter,
};

constexpr const char* manual = R"(B persistent chains of cluster updates on the energy itself, independent of the
network, for log f = sum of fields of single sites + sum over pairs (i, j) of t_ij((x_j - x_i) mod K): Ising, Potts and
clock models, with fields of any kind. A sweep joins a pair of difference k with probability 1 - exp(min t - t(k)), and
moves all symbols of each cluster of joined sites by the same number mod K, with a probability that goes as exp(the
fields of its sites). This leaves p* invariant.

Take it for ferromagnets near their ordering temperature and below it, where it forgets within a few sweeps what
single-site chains keep for L² of them, and where tempering takes many temperatures. It is no help in a glass, whose
clusters hold nearly all sites, and slow in a strong field: `parallel-tempering` there. A sweep costs about ten
nanoseconds a pair. An energy of other couplings is refused.

Each chain has random numbers of its own, so that the states do not depend on the number of threads. They are part of
the checkpoint. On a GPU the chains stay on the host and draw the next states while the network trains on these.

References: R. H. Swendsen, J.-S. Wang, Nonuniversal critical dynamics in Monte Carlo simulations, Phys. Rev. Lett. 58,
86 (1987). R. G. Edwards, A. D. Sokal, Phys. Rev. D 38, 2009 (1988).)";

class SwendsenWang final : public chains::EnergyChains {
public:
    SwendsenWang(const marginalia::Params& params, const marginalia::TrainingSetup& setup, at::Generator& generator)
        : EnergyChains("sweeps", params, setup, generator),
          couplings_(clusters::couplings_of(chains_.energy(), "take parallel-tempering")) {}

private:
    void move(std::int64_t chain, std::int64_t sweeps) override {
        clusters::Clusters clusters(couplings_);
        for (std::int64_t i = 0; i < sweeps; ++i) clusters.sweep(chains_.state(chain), {}, chains_.random(chain));
    }

    const clusters::Couplings couplings_;
};

}  // namespace

MARGINALIA_SAMPLER(chains::Ahead<SwendsenWang>, "swendsen-wang", "persistent chains of cluster updates on the energy",
                   manual, parameters, "energy");
