// Nearly independent states of a wide Ising lattice from Markov chains, with what shows that they have mixed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lattice.h"

namespace ising {

struct ChainSamples {
    std::vector<std::uint8_t> rows;   // (count, sites) symbols 0..1
    double r_hat = 0;                 // the larger of magnetisation's and energy's; 1 when all chains agree
    double autocorrelation_time = 0;  // the larger one, in sweeps
    std::string how;                  // one line saying all this
};

// `count` states from eight heat-bath chains: two all up, two all down, four random at the start. The first part, 1,000
// sweeps after a burn-in of 1,000, measures the integrated autocorrelation time tau; then every chain burns in for
// another 20 tau and gives a state every max(10, 5 tau) sweeps. The same for the same seed.
ChainSamples heat_bath_samples(const Lattice& lattice, std::size_t count, std::uint64_t seed);

}  // namespace ising
