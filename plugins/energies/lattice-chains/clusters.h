// Nearly independent states of ferromagnets by cluster updates, which mix at a critical point as well.
#pragma once

#include <cstdint>

#include <marginalia/energy_form.h>

#include "reference_chains.h"

namespace lattice_chains {

// States of an energy without hidden units whose neighbours like to be equal, by chains of Swendsen and Wang
// (clusters/cluster_moves.h), judged by the shares of the last symbol and of the commonest and by the energy. The same
// for the same seed.
ChainSamples cluster_samples(const marginalia::EnergyForm& form, std::size_t sites, std::size_t symbols,
                             std::size_t count, std::uint64_t seed);

}  // namespace lattice_chains
