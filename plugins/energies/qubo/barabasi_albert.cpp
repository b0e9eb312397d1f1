#include "barabasi_albert.h"

#include <marginalia/error.h>
#include <marginalia/random.h>

#include <algorithm>
#include <numeric>
#include <string>

namespace qubo {

EdgeList barabasi_albert(std::int64_t vertices, std::int64_t degree, std::uint64_t seed) {
    if (degree < 1 || degree >= vertices)
        throw marginalia::Error("a graph of " + std::to_string(vertices) + " vertices cannot bring " +
                                std::to_string(degree) + " edges with each; give a degree from 1 to " +
                                std::to_string(vertices - 1));
    marginalia::FastRandom random(seed);
    EdgeList graph;
    graph.vertices = vertices;
    std::vector<std::uint32_t> ends;  // every vertex as often as it has edges
    std::vector<std::uint32_t> targets(static_cast<std::size_t>(degree));
    std::iota(targets.begin(), targets.end(), 0u);
    for (auto vertex = static_cast<std::uint32_t>(degree); vertex < vertices; ++vertex) {
        for (const std::uint32_t target : targets) {
            graph.edges.push_back({target, vertex, 1});
            ends.insert(ends.end(), {target, vertex});
        }
        targets.clear();
        while (targets.size() < static_cast<std::size_t>(degree)) {
            const std::uint32_t drawn = ends[random.below(ends.size())];
            if (std::find(targets.begin(), targets.end(), drawn) == targets.end()) targets.push_back(drawn);
        }
    }
    return graph;
}

}  // namespace qubo
