// The bonds of an Edwards-Anderson spin glass.
#pragma once

#include <string>
#include <vector>

#include "factor-graph/grid.h"
#include "factor-graph/random.h"

namespace edwards_anderson {

struct Bond {
    std::uint32_t a, b;
    double strength;  // J
};

// Strengths drawn edge by edge: "pm1" +1 or -1 with equal chances, "gaussian" of mean 0 and variance 1, "ferromagnet"
// +1. The same for the same grid and seed on every platform.
inline std::vector<Bond> draw_bonds(const factor_graph::Grid& grid, const std::string& disorder, std::uint64_t seed) {
    factor_graph::Random random(seed);
    std::vector<Bond> bonds;
    for (const auto& [a, b] : grid.edges())
        bonds.push_back({a, b,
                         disorder == "pm1"        ? (random.coin() ? 1.0 : -1.0)
                         : disorder == "gaussian" ? random.normal()
                                                  : 1.0});
    return bonds;
}

}  // namespace edwards_anderson
