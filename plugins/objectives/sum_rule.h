// The sum rule that marginals learn: log p_θ(x_S) + log p_φ(x_d | x_S) = log p_θ(x_S ∪ d).
#pragma once

#include <ATen/ATen.h>
#include <marginalia/network.h>

// Its mean squared breach in nats², for partial states (B, D), a site (B, 1) of each that is not known there, the
// symbol (B, 1) to be set, and log p_φ of it (B). One pass.
inline at::Tensor sum_rule_breach(const marginalia::Network& network, const at::Tensor& before, const at::Tensor& site,
                                  const at::Tensor& symbol, const at::Tensor& log_p) {
    const auto marginal = network.log_marginal(at::cat({before, before.scatter(1, site, symbol)})).chunk(2);
    return (marginal[0] + log_p - marginal[1]).square().mean();
}
