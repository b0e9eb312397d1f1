// The cut that others are measured against.
#pragma once

#include "edge_list.h"

namespace qubo {

// Above this number of vertices best_cut finds too little in its time.
inline constexpr std::int64_t most_searched = 10000;

// The largest cut of a graph of at most most_searched vertices: exact up to 24 vertices, by running through all cuts;
// else the best of a tabu search (F. Glover, Z. Lu, J.-K. Hao, Diversification-driven tabu search for unconstrained
// binary quadratic problems, 4OR 8, 239, 2010) of a number of moves that takes less than a second. The same each time.
double best_cut(const EdgeList& graph);

}  // namespace qubo
