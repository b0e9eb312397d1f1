// The Ising model on a rectangle of spins: its size, couplings and log-density.
#pragma once

#include <cstdint>

#include <marginalia/energy_form.h>
#include <marginalia/states.h>

#include "factor-graph/boundary.h"

namespace ising {

using factor_graph::Boundary;

// Spins s = 2x - 1 on rows x columns sites, site = row * columns + column.
//   log f(x) = coupling * sum over edges s_i s_j + field * sum s_i
// Edges join nearest neighbours, each pair of sites once. On a torus opposite sides are neighbours as well, on a
// cylinder the first and the last column: an extent of 2 has no second edge between the same two sites, an extent of 1
// no edge from a site to itself.
struct Lattice {
    std::int64_t rows = 1;
    std::int64_t columns = 1;
    double coupling = 0;
    double field = 0;
    Boundary boundary = Boundary::open;

    std::int64_t sites() const { return rows * columns; }
    bool wraps_columns() const { return boundary != Boundary::open && columns > 2; }
    bool wraps_rows() const { return boundary == Boundary::torus && rows > 2; }
    std::int64_t edges() const;

    // Of a full state; x must hold sites() bytes 0 or 1.
    std::int64_t edge_sum(marginalia::State x) const;  // sum over edges s_i s_j
    std::int64_t spin_sum(marginalia::State x) const;  // sum s_i
    double log_density(marginalia::State x) const;

    // Sum of spin(neighbour) over the neighbours of a site.
    template <class Spin>
    int around(std::int64_t row, std::int64_t column, const Spin& spin) const {
        const std::int64_t site = row * columns + column;
        int sum = 0;
        if (column > 0) sum += spin(site - 1);
        else if (wraps_columns()) sum += spin(site + columns - 1);
        if (column + 1 < columns) sum += spin(site + 1);
        else if (wraps_columns()) sum += spin(site - columns + 1);
        if (row > 0) sum += spin(site - columns);
        else if (wraps_rows()) sum += spin(site + (rows - 1) * columns);
        if (row + 1 < rows) sum += spin(site + columns);
        else if (wraps_rows()) sum += spin(site - (rows - 1) * columns);
        return sum;
    }

    // coupling * sum over neighbours s_j + field of a full state: log f(s_site = +1) - log f(s_site = -1) is twice
    // this.
    double local_field(marginalia::State x, std::int64_t site) const {
        // Sites are at most 10^8, and division is several times faster with 32 bits.
        const auto row = static_cast<std::uint32_t>(site) / static_cast<std::uint32_t>(columns);
        const int sum = around(row, site - row * columns, [&](std::int64_t other) { return 2 * x[other] - 1; });
        return coupling * sum + field;
    }

    // Of a partial state (2 = unknown): the terms whose sites are all known, and for each unknown site
    // log sum_s exp(s (coupling * sum over known neighbours s_j + field)), as if its unknown neighbours were not there.
    double partial_log_density(marginalia::State x) const;

    marginalia::EnergyForm form() const;
};

}  // namespace ising
