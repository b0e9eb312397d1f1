// The couplings of a lattice as an input of networks on it.
#pragma once

#include <string>

#include <ATen/core/TensorBody.h>
#include <marginalia/network.h>

namespace marginalia {

// (K + 2 K², rows, columns) float32: of each site its field, the table of its pair with the next site of the row, and
// that with the next one of the column, each number as its asinh; 0 where there is no such pair. Throws Error where the
// domain has no form, or one with a pair of sites that are not next to each other; `network` is the network's name.
at::Tensor coupling_planes(const Domain& domain, const std::string& network);

}  // namespace marginalia
