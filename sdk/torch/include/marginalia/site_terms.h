// log p of a state as a sum of terms, one for each of its sites.
#pragma once

#include <marginalia/network.h>

namespace marginalia {

// A network's module may have, besides what network.h names,
//   log_marginal_sites(x)     (B, D) int64 symbols 0..K -> (B, D): terms that sum to log_marginal(x), one for each site
// Where it has, log p_θ can be taught site by site, which tells it much more of a row than the sum does.
MARGINALIA_API bool has_log_marginal_sites(const Network& network);
MARGINALIA_API at::Tensor log_marginal_sites(const Network& network, const at::Tensor& x);  // throws Error where it has not

// The terms of estimate_log_density (model.h), which is their sum: for each row of x (M, D) and each of its known sites an unbiased
// estimate of E_σ[log p_φ(x_k | the sites of S before k in σ)], 0 for unknown sites: (M, D) float64.
MARGINALIA_API at::Tensor estimate_site_terms(const Network& network, const at::Tensor& x, std::int64_t points,
                                              at::Generator& generator);

}  // namespace marginalia
