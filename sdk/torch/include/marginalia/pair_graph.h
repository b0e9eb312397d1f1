// An energy's couplings as tensors, for networks that see them.
#pragma once

#include <memory>
#include <string>

#include <ATen/core/TensorBody.h>

#include <marginalia/network.h>

namespace marginalia {

class Energy;

// For Domain::form: the energy's form, checked; null where it offers none or has hidden units. Throws Error naming what
// is wrong in the form.
MARGINALIA_API std::shared_ptr<const EnergyForm> pair_form(const Energy& energy);

// The sites and the pairs of a form, in float32 on the CPU. Pairs of the same two sites are added up, and all numbers
// are such that every row of `fields` and every row and column of a table has mean 0: a table then holds what is of two
// sites, and nothing that is of one of them. log f is the same up to a constant.
struct MARGINALIA_API PairGraph {
    at::Tensor fields;  // (D, K)
    at::Tensor first;   // (P) int64: a site of each pair, in rising order
    at::Tensor second;  // (P) int64: the other one, a site of higher number
    at::Tensor tables;  // (P, K, K): the first site's symbol is the slower one

    // Both directions of all pairs, those from `first` to `second` before those back: (2 P), (2 P) and (2 P, K, K), in
    // which the slower symbol is that of the site where the edge begins.
    at::Tensor from() const;
    at::Tensor to() const;
    at::Tensor directed_tables() const;
};

// Throws Error where the domain has no form; `who` begins the sentence: "network 'graph'".
MARGINALIA_API PairGraph pair_graph(const Domain& domain, const std::string& who);

}  // namespace marginalia
