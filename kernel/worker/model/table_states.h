// States whose sites differ, and the cells of a table that they stand for.
#pragma once

#include <ATen/core/TensorBody.h>
#include <marginalia/states.h>

#include <span>
#include <vector>

namespace marginalia {

// By the list of a table's sites: `unknown` is K.
class TableStates {
public:
    TableStates(std::vector<Site> sites, std::int64_t unknown) : sites_(std::move(sites)), unknown_(unknown) {}

    // Rows of D cells, in the units of their columns, symbols by number, NaN for unknown: (M, D) int64 on the CPU
    // (real_sites.h), and back.
    at::Tensor states(std::span<const double> cells) const;
    std::vector<double> cells(const at::Tensor& x) const;

    // A number of a column, which may be infinite, as it is scaled: (1) float64.
    at::Tensor scaled(double number, std::size_t column) const;

    // What a log-density of x (M, D) is less in the columns' units than in those of the states: the sum of log scale
    // over the known real sites, (M) float64 on the CPU.
    at::Tensor log_units(const at::Tensor& x) const;

private:
    const std::vector<Site> sites_;
    const std::int64_t unknown_;
};

}  // namespace marginalia
