// The Ising model written down once more, slowly: what the plugin's exact methods are compared with.
#pragma once

#include <cmath>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "plugins/energies/ising/lattice.h"

namespace ising_reference {

using factor_graph::Boundary;
using ising::Lattice;
using Bytes = std::vector<std::uint8_t>;

// Pairs of neighbours, each once.
inline std::set<std::pair<std::int64_t, std::int64_t>> edges_of(const Lattice& lattice) {
    std::set<std::pair<std::int64_t, std::int64_t>> edges;
    const auto join = [&](std::int64_t a, std::int64_t b) {
        if (a != b) edges.insert({std::min(a, b), std::max(a, b)});
    };
    for (std::int64_t row = 0; row < lattice.rows; ++row) {
        for (std::int64_t column = 0; column < lattice.columns; ++column) {
            const std::int64_t site = row * lattice.columns + column;
            if (column + 1 < lattice.columns || lattice.boundary != Boundary::open)
                join(site, row * lattice.columns + (column + 1) % lattice.columns);
            if (row + 1 < lattice.rows || lattice.boundary == Boundary::torus)
                join(site, (row + 1) % lattice.rows * lattice.columns + column);
        }
    }
    return edges;
}

inline double log_density(const Lattice& lattice, const Bytes& x) {
    double value = 0;
    for (const auto& [a, b] : edges_of(lattice)) value += lattice.coupling * (2 * x[a] - 1) * (2 * x[b] - 1);
    for (const std::uint8_t symbol : x) value += lattice.field * (2 * symbol - 1);
    return value;
}

inline Bytes state(const Lattice& lattice, std::uint64_t number) {
    Bytes x(lattice.sites());
    for (std::size_t site = 0; site < x.size(); ++site) x[site] = (number >> site) & 1;
    return x;
}

// f of every state, by number.
inline std::vector<double> densities(const Lattice& lattice) {
    const auto edges = edges_of(lattice);
    std::vector<double> all(std::size_t{1} << lattice.sites());
    for (std::uint64_t number = 0; number < all.size(); ++number) {
        int pairs = 0, spins = 0;
        for (const auto& [a, b] : edges) pairs += ((number >> a) & 1) == ((number >> b) & 1) ? 1 : -1;
        for (std::int64_t site = 0; site < lattice.sites(); ++site) spins += (number >> site) & 1 ? 1 : -1;
        all[number] = std::exp(lattice.coupling * pairs + lattice.field * spins);
    }
    return all;
}

// log of the sum of f over the states that agree with `partial` (2 = unknown).
inline double log_sum(const std::vector<double>& densities, const Bytes& partial) {
    double sum = 0;
    for (std::uint64_t number = 0; number < densities.size(); ++number) {
        bool agrees = true;
        for (std::size_t site = 0; site < partial.size(); ++site)
            agrees = agrees && (partial[site] == 2 || partial[site] == ((number >> site) & 1));
        if (agrees) sum += densities[number];
    }
    return std::log(sum);
}

}  // namespace ising_reference
