// Exact sums over spins without a field, by free fermions where the lattice allows it.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "factor-graph/whole_sum.h"
#include "sweep.h"

namespace free_fermions {

// log f(s) = sum over bonds weight * s_a s_b, site = row * columns + column. A PlanarSum, of a Sheet with samples (by
// RowSampler, where 2^36 operations are enough: 2,000 of 64x64), else a ToroidalSum, else nullptr.
std::unique_ptr<const factor_graph::WholeSum> spin_sum(std::size_t rows, std::size_t columns,
                                                       std::span<const Bond> bonds);

}  // namespace free_fermions
