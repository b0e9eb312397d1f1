// Discrete graphical models: f(x) is a product of factors, each a table over a few variables.
#pragma once

#include <marginalia/states.h>

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace factor_graph {

// log of one factor for all values of its variables, the last variable of `scope` the fastest; -infinity is allowed.
struct Factor {
    using LogTable = std::shared_ptr<const std::vector<double>>;  // factors of a lattice may share one

    Factor(std::vector<std::uint32_t> variables, LogTable table)
        : scope(std::move(variables)), log_table(std::move(table)) {}
    Factor(std::vector<std::uint32_t> variables, std::vector<double> table)
        : Factor(std::move(variables), std::make_shared<const std::vector<double>>(std::move(table))) {}

    std::vector<std::uint32_t> scope;  // different variables
    LogTable log_table;                // as many entries as the product of their cardinalities
};

// Plain data; read by many threads at once.
struct Model {
    std::vector<std::uint32_t> cardinalities;  // values of each variable, 1 to 255
    std::vector<Factor> factors;
    std::uint8_t unknown = 2;  // the symbol □ of partial states, at least every cardinality

    // The sum of the factors whose variables are all known, so log f of a full state; -infinity where a symbol is
    // beyond its variable's values and not the unknown one.
    double log_f(marginalia::State x) const;
};

}  // namespace factor_graph
