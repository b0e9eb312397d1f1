// Cluster updates, which mix at a critical point as well.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <marginalia/random.h>

#include "reference_chains.h"

namespace lattice_chains {

// What neighbours that like to be equal are: log f(x) = coupling * sum over edges [x_i = x_j] + sum_i field[x_i],
// coupling >= 0.
struct Ferromagnet {
    std::size_t sites;
    double coupling;            // nats
    std::vector<double> field;  // nats, of each symbol
    std::vector<std::pair<std::uint32_t, std::uint32_t>> edges;
};

// R. H. Swendsen, J.-S. Wang, Nonuniversal critical dynamics in Monte Carlo simulations, Phys. Rev. Lett. 58, 86
// (1987). Equal neighbours are joined with probability 1 - exp(-coupling); each cluster of n joined sites then takes
// symbol k with a probability that goes as exp(n field[k]). A sweep costs the number of edges.
class ClusterChain final : public Chain {
public:
    // Refers to `energy`. start: a symbol that all sites begin with, or the number of symbols for a random state.
    ClusterChain(const Ferromagnet& energy, std::size_t start, std::uint64_t seed, std::uint64_t stream);

    void sweep() override;
    marginalia::State state() const override { return x_; }

private:
    std::uint32_t root_of(std::uint32_t site);
    std::uint8_t draw_symbol(std::uint32_t size);

    const Ferromagnet& energy_;
    const double joined_;  // probability
    marginalia::FastRandom random_;
    std::vector<std::uint8_t> x_;
    std::vector<std::uint32_t> parents_, sizes_;  // of the union-find forest
    std::vector<double> weights_;                 // of the symbols, for draw_symbol
};

// Samples of a ferromagnet by cluster chains, judged by the shares of the last symbol and of the commonest and by the
// energy. The same for the same seed.
ChainSamples cluster_samples(const Ferromagnet& energy, std::size_t count, std::uint64_t seed);

}  // namespace lattice_chains
