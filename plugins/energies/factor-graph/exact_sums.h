// Exact sums over a graphical model by variable elimination.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "model.h"
#include "order.h"
#include "table.h"

namespace factor_graph {

// Variables are summed out one after another; each leaves a table over its neighbours in what is left of the graph
// (R. Dechter, Bucket elimination, Artif. Intell. 113, 41 (1999)). The cost is exponential in the widest of them only.
//
// Threads: every method may be called from several threads at once.
class ExactSums {
public:
    // nullptr where no order was found whose tables are within the limits. The model must outlive the object.
    static std::unique_ptr<const ExactSums> if_fits(const Model& model, const Limits& limits = {});

    // log of the sum of f over all states; -infinity where every state is impossible. Computed once.
    double log_z() const;

    // log of the sum of f over the unknown variables of a partial state: known variables cut the factors down first,
    // and what is left of the graph gets an order of its own where that is cheaper.
    double log_sum(marginalia::State partial) const;

    // log Z - E[log f] in nats, E[log f] carried along in the same elimination. Computed once; log Z must be finite.
    double entropy() const;

    // Independent states, row after row, each drawn backwards through the elimination. nullopt where the tables that
    // this keeps would pass the limit. log Z must be finite.
    std::optional<std::vector<std::uint8_t>> samples(std::size_t count, std::uint64_t seed) const;

    const Order& order() const { return order_; }

private:
    ExactSums(const Model& model, const Limits& limits, Order order)
        : model_(model), limits_(limits), order_(std::move(order)) {}

    Order order_of(const std::vector<std::uint32_t>& unknown, marginalia::State partial) const;

    const Model& model_;
    const Limits limits_;
    const Order order_;  // of all variables
    mutable std::once_flag log_z_known_, entropy_known_;
    mutable double log_z_ = 0, entropy_ = 0;
};

}  // namespace factor_graph
