// Nearly independent states of a wide Ising lattice from Markov chains.
#pragma once

#include <cstdint>

#include "lattice-chains/reference_chains.h"
#include "lattice.h"

namespace ising {

// By heat-bath chains, which serve any coupling but mix slowly where the lattice orders. The same for the same seed.
lattice_chains::ChainSamples heat_bath_samples(const Lattice& lattice, std::size_t count, std::uint64_t seed);

// By cluster chains where the coupling is above 0, else by heat-bath chains.
lattice_chains::ChainSamples reference_samples(const Lattice& lattice, std::size_t count, std::uint64_t seed);

}  // namespace ising
