// Pairs of neighbours in a graph.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace marginalia::molecules {

// Neighbours of nodes 0, 1, ..: those of node i are neighbours[begins[i]] up to begins[i + 1].
struct Graph {
    std::vector<std::int32_t> begins = {0};
    std::vector<std::int32_t> neighbours;

    std::int32_t size() const { return static_cast<std::int32_t>(begins.size()) - 1; }
    std::span<const std::int32_t> operator[](std::int32_t node) const {
        const auto i = static_cast<std::size_t>(node);
        return std::span(neighbours)
            .subspan(static_cast<std::size_t>(begins[i]), static_cast<std::size_t>(begins[i + 1] - begins[i]));
    }
};

constexpr std::int32_t nobody = -1;  // in the place of a node

struct Matching {
    std::vector<std::int32_t> mates;  // of each node
    std::int32_t unmatched = nobody;  // a node for which there is no mate; nobody: the matching is perfect
};

// A perfect matching, if there is one: pairs of neighbours such that every node is in one pair. Starts from the nodes
// with the fewest free neighbours, then mends by augmenting paths; where odd cycles come in its way it turns to
// Edmonds' algorithm (Paths, trees, and flowers, Canad. J. Math. 17, 1965).
Matching perfect_matching(const Graph& graph);

// By Edmonds' algorithm from a matching to begin with (nobody: a free node); time at worst of the order of nodes^2 x
// edges.
Matching edmonds_matching(const Graph& graph, std::vector<std::int32_t> mates);

}  // namespace marginalia::molecules
