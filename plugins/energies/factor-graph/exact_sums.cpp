#include "exact_sums.h"

#include <cmath>
#include <numeric>

#include "elimination.h"
#include "random.h"

namespace factor_graph {
namespace {

// Orders that cost less than this are not worth a search for a better one.
constexpr double cheap = 1 << 15;

// Finding that a graph of more does not fit takes seconds.
constexpr std::size_t most_variables = 50000;

std::vector<std::uint8_t> nothing_known(const Model& model) {
    return std::vector<std::uint8_t>(model.cardinalities.size(), model.unknown);
}

}  // namespace

std::unique_ptr<const ExactSums> ExactSums::if_fits(const Model& model, const Limits& limits) {
    if (model.cardinalities.size() > most_variables) return nullptr;
    std::vector<std::uint32_t> all(model.cardinalities.size());
    std::iota(all.begin(), all.end(), 0u);
    for (const Factor& factor : model.factors) {
        double size = 1;
        for (const std::uint32_t variable : factor.scope) size *= model.cardinalities[variable];
        if (size > limits.largest) return nullptr;
    }
    auto order = best_order(graph_of(model, nothing_known(model), all), limits);
    if (!order) return nullptr;
    return std::unique_ptr<const ExactSums>(new ExactSums(model, limits, std::move(*order)));
}

double ExactSums::log_z() const {
    std::call_once(log_z_known_, [this] {
        log_z_ = Elimination(model_, nothing_known(model_), order_.nodes, false, false).log_sum();
    });
    return log_z_;
}

Order ExactSums::order_of(const std::vector<std::uint32_t>& unknown, marginalia::State partial) const {
    std::vector<std::uint32_t> node(model_.cardinalities.size()), nodes;
    for (std::uint32_t i = 0; i < unknown.size(); ++i) node[unknown[i]] = i;
    for (const std::uint32_t variable : order_.nodes)
        if (partial[variable] == model_.unknown) nodes.push_back(node[variable]);
    const Graph graph = graph_of(model_, partial, unknown);
    Order order = follow(graph, std::move(nodes));
    return order.work > cheap ? improved(graph, std::move(order)) : order;
}

double ExactSums::log_sum(marginalia::State partial) const {
    std::vector<std::uint32_t> unknown;
    for (std::uint32_t variable = 0; variable < partial.size(); ++variable) {
        if (partial[variable] == model_.unknown) unknown.push_back(variable);
        else if (partial[variable] >= model_.cardinalities[variable]) return -HUGE_VAL;
    }
    if (unknown.empty()) return model_.log_f(partial);
    if (unknown.size() == partial.size()) return log_z();
    std::vector<std::uint32_t> variables;
    for (const std::uint32_t node : order_of(unknown, partial).nodes) variables.push_back(unknown[node]);
    return Elimination(model_, partial, std::move(variables), false, false).log_sum();
}

double ExactSums::entropy() const {
    std::call_once(entropy_known_, [this] {
        const Elimination whole(model_, nothing_known(model_), order_.nodes, true, false);
        entropy_ = whole.log_sum() - whole.mean_log_f();
    });
    return entropy_;
}

std::optional<std::vector<std::uint8_t>> ExactSums::samples(std::size_t count, std::uint64_t seed) const {
    if (order_.kept > limits_.kept) return std::nullopt;
    std::vector<std::uint8_t> state = nothing_known(model_), rows;
    const Elimination whole(model_, state, order_.nodes, false, true);
    Random random(seed);
    rows.reserve(count * state.size());
    for (std::size_t row = 0; row < count; ++row) {
        whole.draw(state, [&] { return random.uniform(); });
        rows.insert(rows.end(), state.begin(), state.end());
    }
    return rows;
}

}  // namespace factor_graph
