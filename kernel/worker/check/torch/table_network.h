// A network of known distribution: tables over all states of a tiny domain.
#pragma once

#include <ATen/core/TensorBody.h>
#include <marginalia/network.h>

#include <memory>

namespace marginalia {

// All K^D full states, (K^D, D) int64; state n has at site d the digit d of n, lowest first. And their numbers back.
// Throws Error where there are more than 4096.
at::Tensor all_states(const Domain& domain);
at::Tensor state_numbers(const at::Tensor& x, const Domain& domain);

// log_marginal is that of p = softmax(marginal_logits), the conditionals are those of softmax(conditional_logits), each
// (K^D) float32, exactly, by sums over all states; with the same logits twice the two heads agree. Parameters
// "marginal_logits" and "conditional_table", and those of a linear decoder and encoder of two codes and of a critic
// that has a number for each state.
std::unique_ptr<Network> make_table_network(const Domain& domain, const at::Tensor& marginal_logits,
                                            const at::Tensor& conditional_logits);

// Calls of its methods so far.
std::int64_t table_network_calls(const Network& network);

}  // namespace marginalia
