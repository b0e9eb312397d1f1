// Random orders of sites and the partial states along them.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/TensorBody.h>

#include <vector>

#include <marginalia/error.h>

namespace marginalia {

// A uniformly random order of the D sites for each row: (rows, D) int64, order[b, t] = the site at position t.
MARGINALIA_API at::Tensor random_orders(std::int64_t rows, std::int64_t sites, at::Generator& generator,
                                        const at::Device& device);

// A random order of the sites of a lattice of this shape for each row, (rows, D), in which sites that follow one
// another lie far apart: by the bits of their places along each axis, the lowest first, as in a Bayer matrix (B. E.
// Bayer, An optimum method for two-level rendition of continuous-tone pictures, ICC 1973). Each row has the lattice
// shifted round, and at each bit a random one of its halves first. Every site comes first equally often.
MARGINALIA_API at::Tensor spread_orders(std::int64_t rows, const std::vector<std::int64_t>& shape,
                                        at::Generator& generator, const at::Device& device);

// The position of each site in its row's order (rows, D), the inverse permutation: [b, order[b, t]] = t.
MARGINALIA_API at::Tensor positions_of_sites(const at::Tensor& order);

// `count` distinct random sites for each row: (rows, count) int64.
MARGINALIA_API at::Tensor random_sites(std::int64_t rows, std::int64_t sites, std::int64_t count,
                                       at::Generator& generator, const at::Device& device);

// One link of a random chain per row of x (method page, "Self-consistency"): a random order σ and a uniform position d.
struct ChainLink {
    at::Tensor before;  // (B, D) x_σ(<d), the rest □
    at::Tensor after;   // (B, D) x_σ(<=d), the rest □
    at::Tensor site;    // (B) σ(d)
    at::Tensor symbol;  // (B) x_σ(d)
};
MARGINALIA_API ChainLink random_chain_link(const at::Tensor& x, std::int64_t categories, at::Generator& generator);

// One symbol per row from logits (B, K), by the Gumbel trick; (B) int64.
MARGINALIA_API at::Tensor sample_symbols(const at::Tensor& logits, at::Generator& generator);

}  // namespace marginalia
