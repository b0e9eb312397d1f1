// Sparse symmetric matrices as lists of edges: the graphs of the Gset and the programs of the Biq Mac library.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace qubo {

struct Edge {
    std::uint32_t a, b;  // from 0; equal on the diagonal
    double weight;
};

struct EdgeList {
    std::int64_t vertices = 0;
    std::vector<Edge> edges;  // in the order of the file
};

// The first line has the number of vertices and of edges, every other line an edge: two vertices, from 1, and its
// weight (1 where it is left out). Each pair at most once, in either order; a vertex with itself only where `diagonal`.
// Throws Error "FILE:LINE:COLUMN: what is wrong".
EdgeList read_edge_list(const std::string& path, bool diagonal);

}  // namespace qubo
