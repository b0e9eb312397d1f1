// A mixture of normal densities with full covariances, learnt with the network, under what it says of real sites.
#pragma once

#include <marginalia/network.h>

namespace marginalia {

// A module whose heads correct a mixture of M densities over all sites: of the real ones together a normal density with
// full covariance, and of symbols, given which of the M it is, one site apart from another. Its weights (base_weights,
// base_means, base_factors, base_deviations, base_symbols) learn with those of `inner`. For any x_S it has p(x_S) and
// every conditional in closed form, in float64:
//   log_marginal(x_S) = log of the mixture's p(x_S) + that of `inner` without its log_alone(x_S)
//   a real site: each of inner's C densities is one of the mixture's, with its posterior weight, mean m and deviation s
//     given x_S: weight + log w, m + s mean, s deviation
//   a site of symbols: log p of the mixture + logits
// so that the sum rule holds at the start and breaks only by what `inner` learns. A pass costs 2 M D³ operations a row
// more, for all conditionals 4 M D³, in float64.
//
// Throws Error where sites do not differ (Domain::site_categories), where C is no multiple of M, and where `inner` has
// no log_alone.
torch::jit::Module* with_mixture_base(const torch::jit::Module& inner, const Domain& domain, std::int64_t components,
                                      at::Generator& generator);

}  // namespace marginalia
