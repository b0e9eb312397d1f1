// One elimination: the factors of a partial state, cut down to its unknown variables, summed out one by one.
#pragma once

#include <vector>

#include "model.h"
#include "order.h"
#include "table.h"

namespace factor_graph {

// The graph of the unknown variables: node i is variable unknown[i].
Graph graph_of(const Model& model, marginalia::State partial, const std::vector<std::uint32_t>& unknown);

// For one thread.
class Elimination {
public:
    // variables: the unknown ones, in the order of elimination. means: also E[log f]. keep: keep the tables for draw().
    Elimination(const Model& model, marginalia::State partial, std::vector<std::uint32_t> variables, bool means,
                bool keep);

    double log_sum() const { return log_sum_; }  // of f over the unknown variables
    double mean_log_f() const { return mean_; }  // of the states that agree with the partial one

    // Draws the unknown variables of `state` from their distribution; `uniform()` gives numbers in [0, 1).
    template <class Uniform>
    void draw(std::vector<std::uint8_t>& state, Uniform&& uniform) const {
        std::vector<std::uint32_t> value(variables_.size());
        for (std::size_t node = variables_.size(); node-- > 0;)
            state[variables_[node]] = static_cast<std::uint8_t>(value[node] = draw_node(node, value, uniform()));
    }

private:
    void add_factors(const Model& model, marginalia::State partial);
    void add(Table table);
    std::uint32_t draw_node(std::size_t node, const std::vector<std::uint32_t>& value, double uniform) const;

    const std::vector<std::uint32_t> variables_;
    std::vector<std::uint32_t> cardinalities_;  // of variables_
    std::vector<std::vector<Table>> buckets_;   // by the first variable of their scopes
    const bool means_;
    double log_sum_ = 0, mean_ = 0;
};

}  // namespace factor_graph
