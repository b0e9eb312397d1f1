// Orders of elimination: which variable is summed out after which, and what that costs.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace factor_graph {

// Which variables share a factor. Neighbours are sorted.
struct Graph {
    std::vector<std::uint32_t> cardinalities;
    std::vector<std::vector<std::uint32_t>> neighbours;
};

// What an elimination may cost, in table entries.
struct Limits {
    double largest = 1 << 22;  // of one variable's table with its neighbours
    double work = 1 << 28;     // of all of them
    double kept = 1 << 27;     // of all messages, which sampling keeps (8 bytes each)
};

struct Order {
    std::vector<std::uint32_t> nodes;
    double largest = 0, work = 0, kept = 0;

    bool within(const Limits& limits) const { return largest <= limits.largest && work <= limits.work; }
};

// The cost of a given order.
Order follow(Graph graph, std::vector<std::uint32_t> nodes);

// Always the node that adds the fewest edges between its neighbours, of those the one with the smallest table, of those
// any, by `seed` (U. Kjaerulff, Aalborg R 90-09 (1990)). nullopt as soon as a limit is passed.
std::optional<Order> min_fill(Graph graph, const Limits& limits, std::uint64_t seed);

// The cheapest of the order 0, 1, 2, ... (good for lattices line by line), a breadth-first one (good for long shapes)
// and several min-fill orders. The same for the same graph. nullopt where none is within the limits.
std::optional<Order> best_order(const Graph& graph, const Limits& limits);

// The cheapest of the given order, a breadth-first and a min-fill one.
Order improved(const Graph& graph, Order order);

}  // namespace factor_graph
