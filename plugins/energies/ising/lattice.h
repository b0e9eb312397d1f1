// The Ising model on a rectangle of spins: its size, couplings and log-density.
#pragma once

#include <cstdint>

#include <marginalia/states.h>

namespace ising {

// Spins s = 2x - 1 on rows x columns sites, site = row * columns + column.
//   log f(x) = coupling * sum over edges s_i s_j + field * sum s_i
// Edges join nearest neighbours, each pair of sites once. On a torus opposite sides are neighbours as well: an extent
// of 2 has no second edge between the same two sites, an extent of 1 no edge from a site to itself.
struct Lattice {
    std::int64_t rows = 1;
    std::int64_t columns = 1;
    double coupling = 0;
    double field = 0;
    bool torus = false;

    std::int64_t sites() const { return rows * columns; }
    bool wraps(std::int64_t extent) const { return torus && extent > 2; }
    std::int64_t edges() const;

    // Of a full state; x must hold sites() bytes 0 or 1.
    std::int64_t edge_sum(marginalia::State x) const;  // sum over edges s_i s_j
    std::int64_t spin_sum(marginalia::State x) const;  // sum s_i
    double log_density(marginalia::State x) const;

    // Of a partial state (2 = unknown): the terms whose sites are all known, and log 2 for each unknown site.
    double partial_log_density(marginalia::State x) const;
};

}  // namespace ising
