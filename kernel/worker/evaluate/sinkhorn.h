// How far two clouds of points lie apart, by optimal transport.
#pragma once

#include <functional>

#include <ATen/core/TensorBody.h>

namespace marginalia {

// The sum over i, j of P_ij |a_i - b_j|² of clouds a, b (N, J) float64, P being the entropic plan of transport between
// them (M. Cuturi, Sinkhorn distances, NeurIPS 2013): the one with rows and columns of sums 1/N that minimises that sum
// less ε times its entropy. ε is a thousandth of the mean of |a_i - b_j|². A squared length; above 0 for two clouds of
// one distribution, by as much as finitely many points differ. `tick` is called now and then and may throw.
double sinkhorn_distance(const at::Tensor& a, const at::Tensor& b, const std::function<void()>& tick);

}  // namespace marginalia
