// The targets of one state at a time, on the host.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include <marginalia/energy.h>
#include <marginalia/random.h>

#include "clusters/cluster_moves.h"

// Means of single-site probabilities over sweeps of the unknown sites. Not for several threads.
class TargetSweeps {
public:
    // Refers to both. A sweep is one of heat-bath updates, with couplings after one of cluster moves.
    TargetSweeps(const marginalia::Energy& energy, const clusters::Couplings* couplings, std::int64_t sweeps);

    // Adds the mean over the sweeps of p*(x_d | all other sites) to sums, (D, K), at the unknown sites of one full
    // state, which moves on.
    void add(std::span<std::uint8_t> x, std::span<const std::uint8_t> unknown, std::span<float> sums,
             marginalia::FastRandom& random);

private:
    const marginalia::Energy& energy_;
    std::optional<clusters::Clusters> clusters_;
    const std::int64_t sweeps_;
};
