#include "best_cut.h"

#include <marginalia/random.h>

#include <algorithm>
#include <bit>
#include <limits>

namespace qubo {
namespace {

constexpr std::int64_t most_enumerated = 24;
constexpr std::int64_t looked_at = 400'000'000;  // vertices, over all moves of a search

// Two sides of a graph, and what each vertex would add to the cut if it changed its side.
class Cut {
public:
    explicit Cut(const EdgeList& graph)
        : gains_(static_cast<std::size_t>(graph.vertices)), sides_(gains_.size()), neighbours_(gains_.size()) {
        for (const Edge& edge : graph.edges) {
            neighbours_[edge.a].push_back({edge.b, edge.weight});
            neighbours_[edge.b].push_back({edge.a, edge.weight});
            gains_[edge.a] += edge.weight;
            gains_[edge.b] += edge.weight;
        }
    }

    std::size_t size() const { return gains_.size(); }
    double value() const { return value_; }
    double gain(std::size_t vertex) const { return gains_[vertex]; }

    void flip(std::size_t vertex) {
        value_ += gains_[vertex];
        gains_[vertex] = -gains_[vertex];
        sides_[vertex] ^= 1;
        for (const auto& [other, weight] : neighbours_[vertex])
            gains_[other] += sides_[vertex] == sides_[other] ? 2 * weight : -2 * weight;
    }

private:
    struct Neighbour {
        std::uint32_t vertex;
        double weight;
    };

    double value_ = 0;
    std::vector<double> gains_;
    std::vector<std::uint8_t> sides_;
    std::vector<std::vector<Neighbour>> neighbours_;
};

// A Gray code runs through the sides of all vertices but the last, one change at a time.
double enumerated(const EdgeList& graph) {
    Cut cut(graph);
    double best = 0;
    for (std::uint64_t i = 1; i < std::uint64_t{1} << (graph.vertices - 1); ++i) {
        cut.flip(static_cast<std::size_t>(std::countr_zero(i)));
        best = std::max(best, cut.value());
    }
    return best;
}

class TabuSearch {
public:
    explicit TabuSearch(const EdgeList& graph) : cut_(graph), free_at_(cut_.size()) {}

    double run() {
        const auto vertices = static_cast<std::int64_t>(cut_.size());
        const std::int64_t moves = looked_at / vertices, patience = 2 * vertices;
        std::int64_t last = 0;  // move that was better than all since the sides were last shaken
        double since = 0;
        for (move_ = 0; move_ < moves; ++move_) {
            step();
            if (cut_.value() > since) since = cut_.value(), last = move_;
            if (move_ - last < patience) continue;
            shake();
            since = cut_.value(), last = move_;
        }
        return best_;
    }

private:
    // The best move that is free, or that makes the best cut so far; a random one of those that are equally good.
    void step() {
        double most = -std::numeric_limits<double>::infinity();
        const double needed = best_ - cut_.value();
        for (std::size_t vertex = 0; vertex < cut_.size(); ++vertex) {
            const double gain = cut_.gain(vertex);
            if (gain < most || (free_at_[vertex] > move_ && gain <= needed)) continue;
            if (gain > most) equal_.clear();
            equal_.push_back(vertex);
            most = gain;
        }
        take(equal_[random_.below(equal_.size())]);
    }

    void take(std::size_t vertex) {
        cut_.flip(vertex);
        best_ = std::max(best_, cut_.value());
        free_at_[vertex] = move_ + static_cast<std::int64_t>(3 + random_.below(cut_.size() / 10 + 1));
    }

    // Some vertices change sides whatever it costs.
    void shake() {
        for (std::size_t i = 0; i <= cut_.size() / 20; ++i) take(random_.below(cut_.size()));
    }

    Cut cut_;
    std::vector<std::int64_t> free_at_;  // by vertex: the move from which on it may change sides again
    std::int64_t move_ = 0;
    double best_ = 0;
    std::vector<std::size_t> equal_;  // vertices of the best move
    marginalia::FastRandom random_{0};
};

}  // namespace

double best_cut(const EdgeList& graph) {
    return graph.vertices <= most_enumerated ? enumerated(graph) : TabuSearch(graph).run();
}

}  // namespace qubo
