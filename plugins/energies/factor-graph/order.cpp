#include "order.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <tuple>

#include "random.h"

namespace factor_graph {
namespace {

using Nodes = std::vector<std::uint32_t>;

double table_size(const Graph& graph, std::uint32_t node) {
    double size = graph.cardinalities[node];
    for (const std::uint32_t neighbour : graph.neighbours[node]) size *= graph.cardinalities[neighbour];
    return size;
}

void charge(const Graph& graph, std::uint32_t node, Order& order) {
    const double size = table_size(graph, node);
    order.nodes.push_back(node);
    order.largest = std::max(order.largest, size);
    order.work += size;
    order.kept += size / graph.cardinalities[node];
}

// Takes the node out and joins its neighbours with one another.
void eliminate(Graph& graph, std::uint32_t node) {
    const Nodes around = std::move(graph.neighbours[node]);
    graph.neighbours[node].clear();
    Nodes joined;
    for (const std::uint32_t neighbour : around) {
        joined.clear();
        Nodes& old = graph.neighbours[neighbour];
        std::set_union(old.begin(), old.end(), around.begin(), around.end(), std::back_inserter(joined));
        std::erase_if(joined, [&](std::uint32_t other) { return other == node || other == neighbour; });
        old = joined;
    }
}

std::size_t missing_edges(const Graph& graph, std::uint32_t node) {
    const Nodes& around = graph.neighbours[node];
    std::size_t missing = 0;
    for (std::size_t i = 0; i < around.size(); ++i) {
        const Nodes& has = graph.neighbours[around[i]];
        for (std::size_t j = i + 1; j < around.size(); ++j)
            missing += !std::binary_search(has.begin(), has.end(), around[j]);
    }
    return missing;
}

// Nodes by how soon they should go.
class Queue {
public:
    Queue(const Graph& graph, std::uint64_t seed) : graph_(graph), keys_(graph.cardinalities.size()) {
        Random random(seed);
        for (std::uint32_t node = 0; node < keys_.size(); ++node) {
            keys_[node] = key(node, random.bits());
            queue_.insert(keys_[node]);
        }
    }
    std::uint32_t first() const { return std::get<3>(*queue_.begin()); }
    std::size_t missing(std::uint32_t node) const { return std::get<0>(keys_[node]); }
    void remove(std::uint32_t node) { queue_.erase(keys_[node]); }
    void refresh(std::uint32_t node) {
        const Key now = key(node, std::get<2>(keys_[node]));
        if (now == keys_[node]) return;
        queue_.erase(keys_[node]);
        queue_.insert(now);
        keys_[node] = now;
    }

private:
    using Key = std::tuple<std::size_t, double, std::uint64_t, std::uint32_t>;
    Key key(std::uint32_t node, std::uint64_t tie) const {
        return {missing_edges(graph_, node), table_size(graph_, node), tie, node};
    }

    const Graph& graph_;
    std::vector<Key> keys_;
    std::set<Key> queue_;
};

// Breadth first from `start`, then from whatever that does not reach.
Nodes breadth_first(const Graph& graph, std::uint32_t start) {
    Nodes order;
    std::vector<bool> seen(graph.cardinalities.size(), false);
    const auto reach = [&](std::uint32_t node) {
        if (!seen[node]) order.push_back(node);
        seen[node] = true;
    };
    reach(start);
    std::uint32_t next = 0;
    for (std::size_t at = 0; at < seen.size(); ++at) {
        while (at == order.size()) reach(next++);
        for (const std::uint32_t neighbour : graph.neighbours[order[at]]) reach(neighbour);
    }
    return order;
}

// The last node that a search reaches lies at an end of the graph.
Order across(const Graph& graph) { return follow(graph, breadth_first(graph, breadth_first(graph, 0).back())); }

}  // namespace

Order follow(Graph graph, Nodes nodes) {
    Order order;
    for (const std::uint32_t node : nodes) {
        charge(graph, node, order);
        eliminate(graph, node);
        if (order.largest > 1e18) break;
    }
    order.nodes = std::move(nodes);
    return order;
}

std::optional<Order> min_fill(Graph graph, const Limits& limits, std::uint64_t seed) {
    Order order;
    Queue queue(graph, seed);
    while (order.nodes.size() < graph.cardinalities.size()) {
        const std::uint32_t node = queue.first();
        charge(graph, node, order);
        if (!order.within(limits)) return std::nullopt;
        const bool adds_edges = queue.missing(node) > 0;
        queue.remove(node);
        Nodes changed = graph.neighbours[node];
        eliminate(graph, node);
        const std::size_t direct = changed.size();
        for (std::size_t i = 0; adds_edges && i < direct; ++i)
            changed.insert(changed.end(), graph.neighbours[changed[i]].begin(), graph.neighbours[changed[i]].end());
        std::sort(changed.begin(), changed.end());
        changed.erase(std::unique(changed.begin(), changed.end()), changed.end());
        for (const std::uint32_t other : changed) queue.refresh(other);
    }
    return order;
}

Order improved(const Graph& graph, Order order) {
    Order other = across(graph);
    if (other.work < order.work) order = std::move(other);
    if (auto fewer = min_fill(graph, {order.largest, order.work, order.kept}, 0)) return std::move(*fewer);
    return order;
}

std::optional<Order> best_order(const Graph& graph, const Limits& limits) {
    const std::size_t nodes = graph.cardinalities.size();
    std::optional<Order> best;
    const auto offer = [&](Order order) {
        if (order.within(limits) && (!best || order.work < best->work)) best = std::move(order);
    };
    Nodes natural(nodes);
    std::iota(natural.begin(), natural.end(), 0u);
    offer(follow(graph, natural));
    offer(across(graph));
    const std::uint64_t tries = std::clamp<std::uint64_t>(4000 / std::max<std::size_t>(nodes, 1), 1, 24);
    for (std::uint64_t seed = 0; seed < tries; ++seed)
        if (auto order = min_fill(graph, limits, seed)) offer(std::move(*order));
    return best;
}

}  // namespace factor_graph
