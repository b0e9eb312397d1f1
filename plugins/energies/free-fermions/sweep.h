// How a line of spins is swept over a planar graph.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace free_fermions {

// A term weight * s_a s_b of log f.
struct Bond {
    std::uint32_t a, b;  // different sites
    double weight;       // nats
};

// What happens to the line next. A spin on the line is known by its slot, which the next spin to come may have after
// it has left.
struct Step {
    std::uint32_t left, right;  // slots: a bond joins spins that are next to each other; equal: that spin is summed out
    bool around;                // the bond joins the last spin of the line, `left`, to the first one
    double weight;              // of the bond

    bool leaves() const { return left == right; }
};

struct Sweep {
    std::size_t width;  // slots
    std::vector<Step> steps;
};

struct Neighbour {
    std::uint32_t site;
    double weight;
};
using Graph = std::vector<std::vector<Neighbour>>;  // of each site

Graph graph_of(std::size_t sites, std::span<const Bond> bonds);

// The sites come to the line in the order given. Each takes a place beside those of its neighbours that are there, is
// joined to them one after the other, and every site whose bonds are all done leaves. The line closes to a ring, so
// that planar graphs and cylinders, whose rows are rings, are the same to it. nullopt where the order brings bonds that
// would cross others, as on a torus, or sites * width^2 passes `most_work`.
std::optional<Sweep> plan_sweep(const Graph& graph, std::span<const std::uint32_t> order, double most_work);

}  // namespace free_fermions
