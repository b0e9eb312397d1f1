#include "elimination.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace factor_graph {
namespace {

constexpr std::uint32_t known = std::numeric_limits<std::uint32_t>::max();

// Factors of one bucket are merged up to this size, so that an elimination multiplies few tables.
constexpr std::size_t largest_merged = 64;

// A factor's logarithms over its unknown variables.
struct LogTable {
    std::vector<std::uint32_t> scope;  // nodes, ascending
    std::vector<double> values;
};

// The factor with the known variables put in. rank[v]: the node of variable v.
LogTable cut_down(const Model& model, const Factor& factor, marginalia::State partial,
                  const std::vector<std::uint32_t>& rank) {
    struct Axis {
        std::uint32_t node, size;
        std::size_t step;
    };
    std::vector<Axis> axes;
    std::size_t offset = 0, step = 1, size = 1;
    for (std::size_t i = factor.scope.size(); i-- > 0;) {
        const std::uint32_t variable = factor.scope[i], values = model.cardinalities[variable];
        if (rank[variable] == known) offset += partial[variable] * step;
        else axes.push_back({rank[variable], values, step}), size *= values;
        step *= values;
    }
    std::sort(axes.begin(), axes.end(), [](const Axis& a, const Axis& b) { return a.node < b.node; });
    LogTable table;
    for (const Axis& axis : axes) table.scope.push_back(axis.node);
    table.values.resize(size);
    for (std::size_t entry = 0; entry < size; ++entry) {
        std::size_t at = offset, rest = entry;
        for (std::size_t i = axes.size(); i-- > 0; rest /= axes[i].size) at += rest % axes[i].size * axes[i].step;
        table.values[entry] = (*factor.log_table)[at];
    }
    return table;
}

std::vector<std::uint32_t> joined(const std::vector<std::uint32_t>& a, const std::vector<std::uint32_t>& b) {
    std::vector<std::uint32_t> both;
    std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
    return both;
}

std::size_t size_of(const std::vector<std::uint32_t>& scope, Cardinalities cardinalities) {
    std::size_t size = 1;
    for (const std::uint32_t node : scope) size *= cardinalities[node];
    return size;
}

// table += other, whose scope is part of the table's.
void add_into(LogTable& table, const LogTable& other, Cardinalities cardinalities) {
    for (std::size_t entry = 0; entry < table.values.size(); ++entry) {
        std::size_t at = 0, step = 1, rest = entry;
        for (std::size_t i = table.scope.size(), j = other.scope.size(); i-- > 0;) {
            const std::size_t size = cardinalities[table.scope[i]];
            if (j > 0 && other.scope[j - 1] == table.scope[i]) at += rest % size * step, step *= size, --j;
            rest /= size;
        }
        table.values[entry] += other.values[at];
    }
}

// Merges neighbouring small tables, and tables over variables that another one has too.
std::vector<LogTable> merged(std::vector<LogTable> tables, Cardinalities cardinalities) {
    std::sort(tables.begin(), tables.end(), [](const LogTable& a, const LogTable& b) {
        return a.scope.size() != b.scope.size() ? a.scope.size() > b.scope.size() : a.scope < b.scope;
    });
    std::vector<LogTable> out;
    for (LogTable& table : tables) {
        if (!out.empty()) {
            const auto scope = joined(out.back().scope, table.scope);
            const std::size_t size = size_of(scope, cardinalities);
            if (size <= largest_merged || scope == out.back().scope) {
                LogTable whole{scope, std::vector<double>(size, 0.0)};
                add_into(whole, out.back(), cardinalities);
                add_into(whole, table, cardinalities);
                out.back() = std::move(whole);
                continue;
            }
        }
        out.push_back(std::move(table));
    }
    return out;
}

}  // namespace

Graph graph_of(const Model& model, marginalia::State partial, const std::vector<std::uint32_t>& unknown) {
    Graph graph;
    std::vector<std::uint32_t> node(model.cardinalities.size(), known), there;
    for (std::uint32_t i = 0; i < unknown.size(); ++i) {
        node[unknown[i]] = i;
        graph.cardinalities.push_back(model.cardinalities[unknown[i]]);
    }
    graph.neighbours.resize(unknown.size());
    for (const Factor& factor : model.factors) {
        there.clear();
        for (const std::uint32_t variable : factor.scope)
            if (partial[variable] == model.unknown) there.push_back(node[variable]);
        for (const std::uint32_t a : there)
            for (const std::uint32_t b : there)
                if (a != b) graph.neighbours[a].push_back(b);
    }
    for (auto& neighbours : graph.neighbours) {
        std::sort(neighbours.begin(), neighbours.end());
        neighbours.erase(std::unique(neighbours.begin(), neighbours.end()), neighbours.end());
    }
    return graph;
}

Elimination::Elimination(const Model& model, marginalia::State partial, std::vector<std::uint32_t> variables,
                         bool means, bool keep)
    : variables_(std::move(variables)), buckets_(variables_.size()), means_(means) {
    for (const std::uint32_t variable : variables_) cardinalities_.push_back(model.cardinalities[variable]);
    add_factors(model, partial);
    for (std::size_t node = 0; node < variables_.size() && log_sum_ > -HUGE_VAL; ++node) {
        std::vector<Table>& bucket = buckets_[node];
        if (bucket.empty()) {  // no factor at all
            log_sum_ += std::log(static_cast<double>(cardinalities_[node]));
            continue;
        }
        add(sum_out_first(bucket, cardinalities_, means));
        if (!keep) bucket = {};
    }
}

void Elimination::add_factors(const Model& model, marginalia::State partial) {
    std::vector<std::uint32_t> rank(model.cardinalities.size(), known);
    for (std::uint32_t node = 0; node < variables_.size(); ++node) rank[variables_[node]] = node;
    std::vector<std::vector<LogTable>> tables(variables_.size());
    for (const Factor& factor : model.factors) {
        LogTable table = cut_down(model, factor, partial, rank);
        if (table.scope.empty()) log_sum_ += table.values[0], mean_ += table.values[0];
        else tables[table.scope[0]].push_back(std::move(table));
    }
    for (std::vector<LogTable>& bucket : tables)
        for (LogTable& table : merged(std::move(bucket), cardinalities_))
            add(table_of_logs(std::move(table.scope), std::move(table.values), means_));
}

void Elimination::add(Table table) {
    if (!table.scope.empty() && table.log_scale > -HUGE_VAL) {
        const std::uint32_t first = table.scope[0];
        buckets_[first].push_back(std::move(table));
        return;
    }
    log_sum_ += table.log_scale;  // a table without variables holds its scaled value, 1
    if (means_ && !table.means.empty()) mean_ += table.means[0];
}

std::uint32_t Elimination::draw_node(std::size_t node, const std::vector<std::uint32_t>& value, double uniform) const {
    const std::uint32_t size = cardinalities_[node];
    std::vector<double> weights(size, 0.0);
    for (const Table& table : buckets_[node]) {
        std::size_t step = 1, at = 0;
        for (std::size_t i = table.scope.size(); i-- > 1; step *= cardinalities_[table.scope[i]])
            at += value[table.scope[i]] * step;
        for (std::uint32_t v = 0; v < size; ++v, at += step)
            weights[v] += table.logs ? table.values[at] : std::log(table.values[at]);
    }
    const double largest = *std::max_element(weights.begin(), weights.end());
    double total = 0;
    for (double& weight : weights) total += weight = std::exp(weight - largest);
    double left = uniform * total;
    std::uint32_t last = 0;
    for (std::uint32_t v = 0; v < size; ++v) {
        if (weights[v] == 0) continue;
        last = v;
        if (left < weights[v]) break;
        left -= weights[v];
    }
    return last;
}

}  // namespace factor_graph
