// Tables over a few variables and the one operation of variable elimination: multiply some, sum the first variable out.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace factor_graph {

// A non-negative function of some variables, which are numbered in the order of their elimination.
struct Table {
    std::vector<std::uint32_t> scope;  // ascending; the last is the fastest axis, the first the next to be summed out
    std::vector<double> values;        // scaled: the largest is 1
    std::vector<double> means;         // the mean log f of what was summed out, given the scope; empty: not asked for
    double log_scale = 0;              // the function is exp(log_scale) * values; -infinity: zero everywhere
    double spread = 0;                 // log of the largest over the smallest positive value
    bool logs = false;                 // `values` are logarithms, as their spread is too wide for a double
};

using Cardinalities = std::span<const std::uint32_t>;

// A table from its logarithms (their own means where asked for).
Table table_of_logs(std::vector<std::uint32_t> scope, std::vector<double> logs, bool means);

// The sum over the first variable of the scopes, the same for all, of the product of the tables:
//   m(rest) = sum_v prod_t t(v, rest),  mean(rest) = sum_v p(v | rest) sum_t mean_t(v, rest).
// Computed with plain products where no double can underflow (some 2e8 entries a second on a core), otherwise with
// logarithms, which takes five times as long.
Table sum_out_first(std::span<const Table> tables, Cardinalities cardinalities, bool means);

}  // namespace factor_graph
