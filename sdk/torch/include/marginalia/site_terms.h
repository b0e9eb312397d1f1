// log p of a state as a sum of terms, one for each of its sites, and each term as a mean over how much is known before
// it.
#pragma once

#include <marginalia/network.h>

namespace marginalia {

// log of the softmax of logits (B, D, K), in any precision, at symbols (B, D) int64: (B, D) float32. Symbols must be
// 0..K-1, which is not checked: put any of them where one is unknown, and leave that out of the sum.
MARGINALIA_API at::Tensor log_probabilities(const at::Tensor& logits, const at::Tensor& symbols);

// The same of any domain (real_sites.h), x being what sites hold: log-densities where they hold real numbers. It is
// finite and without meaning where x is □.
MARGINALIA_API at::Tensor log_probabilities(const Domain& domain, const at::Tensor& logits, const at::Tensor& x);

// The chain rule along a random order σ of S gives E_σ[log p_φ(x_S)] as a sum over the sites k of S of
//
//   t_k = ∫ q_k(v) d sin²(π v / 2),  v in [0, 1],      q_k(v) = E[log p_φ(x_k | x_T)]
//
// over random subsets T of S without k, of floor(|S| sin²(π v / 2)) sites. v rather than the size itself, because q_k
// changes fast where few sites are known. The function q_k of v is the site's profile.
//
// A network's module may have, besides what network.h names,
//   log_marginal_profile(x)   (B, D) int64 symbols 0..K -> (B, D, M): profiles at v = m / (M - 1), M >= 2, linear in
//                             between; with the weights below they sum over m to t_k, and over m and sites to
//                             log_marginal(x)
// Where it has, log p_θ can be taught site by site and size by size, which tells it much more of a row than the sum
// does.
MARGINALIA_API bool has_log_marginal_profile(const Network& network);
MARGINALIA_API at::Tensor log_marginal_profile(const Network& network,
                                               const at::Tensor& x);  // throws Error where it has not

// The weights (M) float32 of the nodes of such a profile in its integral; they sum to 1. nodes >= 2.
MARGINALIA_API at::Tensor profile_weights(std::int64_t nodes);

// Partial states at which q_k is asked for, of rows x (B, D) at v (B) floats: of each row T stays and the rest of S is
// □, at least one site where S has any. Where the result differs from x, those are the sites k asked about.
MARGINALIA_API at::Tensor hide(const at::Tensor& x, const at::Tensor& v, std::int64_t categories,
                               at::Generator& generator);

}  // namespace marginalia
