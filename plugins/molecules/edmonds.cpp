#include "plugins/molecules/matching.h"

namespace marginalia::molecules {
namespace {

// One search in breadth at a time. An odd cycle that it meets (a blossom) is shrunk: all its nodes get the same base,
// the one nearest to the root, and count as reached.
class Edmonds {
public:
    Edmonds(const Graph& graph, std::vector<std::int32_t> mates)
        : graph_(graph), mates_(std::move(mates)), parents_(mates_.size(), nobody), bases_(mates_.size()),
          next_members_(mates_.size(), nobody), last_members_(mates_.size()), passed_(mates_.size()),
          reached_(mates_.size()) {
        for (std::int32_t node = 0; node < graph_.size(); ++node) at(bases_, node) = at(last_members_, node) = node;
    }

    Matching match() {
        for (std::int32_t root = 0; root < graph_.size(); ++root) {
            if (at(mates_, root) != nobody) continue;
            const std::int32_t end = search(root);
            if (end == nobody) return {std::move(mates_), root};
            flip(end);
            forget();
        }
        return {std::move(mates_)};
    }

private:
    static std::int32_t& at(std::vector<std::int32_t>& values, std::int32_t node) {
        return values[static_cast<std::size_t>(node)];
    }

    void reach(std::int32_t node) {
        reached_[static_cast<std::size_t>(node)] = true;
        queue_.push_back(node);
        touched_.push_back(node);
    }

    // Back to before the search, in as many steps as it took.
    void forget() {
        for (const std::int32_t node : touched_) {
            at(parents_, node) = at(next_members_, node) = nobody;
            at(bases_, node) = at(last_members_, node) = node;
            reached_[static_cast<std::size_t>(node)] = false;
        }
        touched_.clear();
        queue_.clear();
    }

    // The free node at the end of an augmenting path, whose nodes parents_ links back to the root.
    std::int32_t search(std::int32_t root) {
        reach(root);
        for (std::size_t i = 0; i < queue_.size(); ++i)
            for (const std::int32_t neighbour : graph_[queue_[i]]) {
                const std::int32_t node = queue_[i], mate = at(mates_, neighbour);
                if (at(bases_, node) == at(bases_, neighbour) || at(mates_, node) == neighbour) continue;
                if (neighbour == root || (mate != nobody && at(parents_, mate) != nobody)) {
                    shrink(root, node, neighbour);
                } else if (at(parents_, neighbour) == nobody) {
                    at(parents_, neighbour) = node;
                    touched_.push_back(neighbour);
                    if (mate == nobody) return neighbour;
                    reach(mate);
                }
            }
        return nobody;
    }

    // Where the ways back from two nodes of the tree meet.
    std::int32_t common_base(std::int32_t root, std::int32_t a, std::int32_t b) {
        ++passes_;
        for (;; a = at(parents_, at(mates_, a))) {
            a = at(bases_, a);
            at(passed_, a) = passes_;
            if (a == root) break;
        }
        for (b = at(bases_, b); at(passed_, b) != passes_; b = at(bases_, at(parents_, at(mates_, b)))) {
        }
        return b;
    }

    void shrink(std::int32_t root, std::int32_t a, std::int32_t b) {
        const std::int32_t base = common_base(root, a, b);
        cycle_.clear();
        mark(a, base, b);
        mark(b, base, a);
        for (const std::int32_t old : cycle_)
            if (at(bases_, old) == old) join(old, base);
    }

    // Gives all nodes of one base another.
    void join(std::int32_t old, std::int32_t base) {
        for (std::int32_t node = old; node != nobody; node = at(next_members_, node)) {
            at(bases_, node) = base;
            if (!reached_[static_cast<std::size_t>(node)]) reach(node);
        }
        at(next_members_, at(last_members_, base)) = old;
        at(last_members_, base) = at(last_members_, old);
    }

    // One side of the cycle, from a node to the base; its links now also lead the other way round, by `child`.
    void mark(std::int32_t node, std::int32_t base, std::int32_t child) {
        while (at(bases_, node) != base) {
            const std::int32_t mate = at(mates_, node);
            cycle_.push_back(at(bases_, node));
            cycle_.push_back(at(bases_, mate));
            at(parents_, node) = child;
            child = mate;
            node = at(parents_, mate);
        }
    }

    void flip(std::int32_t end) {
        while (end != nobody) {
            const std::int32_t before = at(parents_, end), next = at(mates_, before);
            at(mates_, end) = before;
            at(mates_, before) = end;
            end = next;
        }
    }

    const Graph& graph_;
    std::vector<std::int32_t> mates_;
    std::vector<std::int32_t> parents_;  // of nodes reached by an edge outside the matching
    std::vector<std::int32_t> bases_;
    std::vector<std::int32_t> next_members_, last_members_;  // the nodes of a base, from itself on, in a chain
    std::vector<std::int32_t> passed_;                       // the pass of common_base that came by
    std::int32_t passes_ = 0;
    std::vector<std::int32_t> cycle_;  // bases on the cycle being shrunk
    std::vector<bool> reached_;
    std::vector<std::int32_t> queue_;
    std::vector<std::int32_t> touched_;  // nodes that the search has changed something of
};

}  // namespace

Matching edmonds_matching(const Graph& graph, std::vector<std::int32_t> mates) {
    return Edmonds(graph, std::move(mates)).match();
}

}  // namespace marginalia::molecules
