// SELFIES (self-referencing embedded strings), version 2: every string of its tokens stands for a molecule.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/molecules/constraints.h"
#include "plugins/molecules/molecule.h"

namespace marginalia::molecules {

// All functions here may be called from several threads at once.

// The SELFIES of a SMILES, atoms in the same order. Aromatic systems are kekulized first. Throws MoleculeError where
// the SMILES is refused (parse_smiles, kekulize), an atom has more bonds than the constraints let it have, or a ring or
// a branch is longer than its tokens can say (4096).
std::string encode(std::string_view smiles, const Constraints& constraints = default_constraints());
std::string encode(Molecule molecule, const Constraints& constraints = default_constraints());

// The SMILES of a SELFIES; "" where it has no atom ("" itself, [nop], a ring token alone). The molecule keeps the
// constraints. Throws MoleculeError for text outside brackets and for a token that is none (tokens that come to stand
// behind the end of their chain, or are read as an index, may be anything).
std::string decode(std::string_view selfies, const Constraints& constraints = default_constraints());

// The tokens: [..] each, and the dots between fragments. They point into the text. Throws MoleculeError.
std::vector<std::string_view> split(std::string_view selfies);

// Why a token of unknown kind is none, as the rest of a sentence: "is not a token of SELFIES", or for one of version 1
// ([Branch1_2], [Expl=Ring1], [NHexpl]) what version 2 writes in its place.
std::string token_fault(std::string_view token);

// All tokens of some SELFIES but the dot, each once, sorted.
std::vector<std::string> alphabet_of(std::span<const std::string> selfies);

// The 16 tokens that stand for 0 to 15 after a branch or ring token; any other stands for 0.
std::span<const std::string_view, 16> index_tokens();

// A token as the decoder takes it. Programs that decode rows of numbered tokens read their vocabulary once.
struct Token {
    enum class Kind : std::uint8_t { atom, branch, ring, epsilon, nop, dot, unknown };

    Kind kind = Kind::unknown;
    std::uint8_t index = 0;          // 0 to 15, where the token is read as an index
    std::uint8_t index_tokens = 0;   // branch, ring: how many tokens of index follow, 1 to 3
    std::uint8_t order = 1;          // atom, branch, ring: bond order, 1 to 3
    Slash slash = Slash::none;       // atom: of its bond; ring: at its first atom
    Slash last_slash = Slash::none;  // ring: at its second atom
    Atom atom;                       // atom; its position is the token's
};

// Reads one token; what is none has kind unknown. `position` is said in errors.
Token read_token(std::string_view text, std::size_t position = 0);

// The molecule that tokens stand for. Throws MoleculeError at a token of unknown kind that is not passed over. `read`:
// how many of the tokens decide it; those behind may be any but a dot.
Molecule decode_tokens(std::span<const Token> tokens, const Constraints& constraints = default_constraints(),
                       std::size_t* read = nullptr);

}  // namespace marginalia::molecules
