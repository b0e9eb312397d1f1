#include "plugins/molecules/matching.h"

#include <queue>
#include <utility>

namespace marginalia::molecules {
namespace {

std::int32_t& at(std::vector<std::int32_t>& values, std::int32_t node) {
    return values[static_cast<std::size_t>(node)];
}

// Pairs nodes while any two free neighbours are left, those with the fewest free neighbours first.
void pair_greedily(const Graph& graph, std::vector<std::int32_t>& mates) {
    using Candidate = std::pair<std::int32_t, std::int32_t>;  // free neighbours, node
    std::vector<std::int32_t> free(mates.size());
    std::vector<Candidate> all;
    all.reserve(mates.size());
    for (std::int32_t node = 0; node < graph.size(); ++node) {
        at(free, node) = static_cast<std::int32_t>(graph[node].size());
        all.emplace_back(at(free, node), node);
    }
    std::priority_queue queue(std::greater<Candidate>(), std::move(all));
    while (!queue.empty()) {
        const std::int32_t node = queue.top().second;
        queue.pop();
        if (at(mates, node) != nobody || at(free, node) == 0) continue;
        std::int32_t mate = nobody;
        for (const std::int32_t neighbour : graph[node])
            if (mate == nobody && at(mates, neighbour) == nobody) mate = neighbour;
        at(mates, node) = mate;
        at(mates, mate) = node;
        for (const std::int32_t end : {node, mate})
            for (const std::int32_t neighbour : graph[end])
                if (--at(free, neighbour) > 0 && at(mates, neighbour) == nobody)
                    queue.emplace(at(free, neighbour), neighbour);
    }
}

// Looks for the shortest alternating path from a free node to another without keeping odd cycles apart, and flips its
// pairs. Cheap, and what the reference does: of several Kekulé forms this picks the same.
class Augmenter {
public:
    Augmenter(const Graph& graph, std::vector<std::int32_t>& mates)
        : graph_(graph), mates_(mates), steps_(mates.size()) {}

    // False where there is no such path.
    bool augment(std::int32_t root) {
        const bool found = search(root);
        for (const std::int32_t node : reached_) steps_[static_cast<std::size_t>(node)] = {};
        return found;
    }

private:
    struct Step {
        std::int32_t from = nobody, over = nobody;
    };

    bool search(std::int32_t root) {
        reached_ = {root};
        steps_[static_cast<std::size_t>(root)] = {root, root};
        for (std::size_t i = 0; i < reached_.size(); ++i)
            for (const std::int32_t neighbour : graph_[reached_[i]]) {
                const std::int32_t mate = at(mates_, neighbour);
                if (mate == nobody && neighbour != root) return flip(root, reached_[i], neighbour), true;
                if (mate == nobody || steps_[static_cast<std::size_t>(mate)].from != nobody) continue;
                steps_[static_cast<std::size_t>(mate)] = {reached_[i], neighbour};
                reached_.push_back(mate);
            }
        return false;
    }

    void flip(std::int32_t root, std::int32_t node, std::int32_t over) {
        for (;;) {
            at(mates_, node) = over;
            at(mates_, over) = node;
            if (node == root) return;
            const Step& step = steps_[static_cast<std::size_t>(node)];
            over = step.over;
            node = step.from;
        }
    }

    const Graph& graph_;
    std::vector<std::int32_t>& mates_;
    std::vector<Step> steps_;  // to each node reached
    std::vector<std::int32_t> reached_;
};

// Every node has a mate, whose mate it is: a search that keeps no odd cycles apart may break this.
bool is_perfect(const std::vector<std::int32_t>& mates) {
    for (std::size_t node = 0; node < mates.size(); ++node)
        if (mates[node] == nobody || mates[static_cast<std::size_t>(mates[node])] != static_cast<std::int32_t>(node))
            return false;
    return true;
}

}  // namespace

Matching perfect_matching(const Graph& graph) {
    Matching matching{std::vector<std::int32_t>(static_cast<std::size_t>(graph.size()), nobody)};
    pair_greedily(graph, matching.mates);
    if (is_perfect(matching.mates)) return matching;
    std::vector<std::int32_t> greedy = matching.mates;
    Augmenter augmenter(graph, matching.mates);
    bool found = true;
    for (std::int32_t node = 0; node < graph.size() && found; ++node)
        if (at(matching.mates, node) == nobody) found = augmenter.augment(node);
    return found && is_perfect(matching.mates) ? matching : edmonds_matching(graph, std::move(greedy));
}

}  // namespace marginalia::molecules
