// Symmetries of the target that are imposed on any network, by averaging over their group.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <marginalia/energy.h>
#include <marginalia/network.h>

namespace marginalia {

// Takes a state x to y, y[d] = symbols[x[sites[d]]].
struct Symmetry {
    std::vector<std::int64_t> sites;    // (D), a permutation
    std::vector<std::int64_t> symbols;  // (K + 1), a permutation that leaves K, which is □, where it is
    auto operator<=>(const Symmetry&) const = default;
};

// The group that the named symmetries generate, the identity among them:
//   flip     symbols in the opposite order: of spins, all turned
//   permute  every permutation of the symbols
//   mirror   the last axis of the layout in the opposite order
//   rotate   a quarter turn of a lattice with as many rows as columns
//   shift    a step along each axis of a periodic layout
//   rename   nothing: it is no image but another way to `permute` (renamed_symbols.h)
// Throws Error for another name, a layout that a symmetry does not suit, and a group of more than 256 elements.
std::vector<Symmetry> symmetry_group(const std::string& names, const Domain& domain);

bool renames(const std::string& names);  // whether `rename` is among them

// The transpositions of neighbouring symbols, which generate all their permutations.
std::vector<Symmetry> symbol_swaps(const Domain& domain);

// Whether an element of it takes a symbol to another site.
bool moves_sites(const std::vector<Symmetry>& group);

// Throws Error where log f of a random state is another one than that of its image.
void require_symmetric(const Energy& energy, const std::vector<Symmetry>& group);

// A module whose log-marginals and logits are the means of those of `inner` over the images of a state, so that the
// group leaves both heads exactly as they are. A pass of B rows is one of `inner` of B |group| rows. Throws Error for a
// network whose sum rule is exact, which a mean of logarithms would end.
torch::jit::Module* symmetrised(const torch::jit::Module& inner, const Domain& domain,
                                const std::vector<Symmetry>& group);

}  // namespace marginalia
