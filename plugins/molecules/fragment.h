// Part of a molecule that is to be kept: a SMILES and a list of its atoms.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plugins/molecules/selfies.h"

namespace marginalia::molecules {

// Of a line such as "c1ccccc1C(=O)O 1-6": the tokens of the molecule's SELFIES, which of them stay where the listed
// atoms do, and whether another row of tokens still has these atoms bound as here. A value; const methods may be called
// from several threads.
class Fragment {
public:
    // A SMILES and, behind blanks or tabs, the atoms that are kept, counted from 1 in its own order: numbers and ranges
    // ("1-6", "1 - 6") divided by a comma, blanks or tabs. Without a list all are kept. Blanks and tabs around it mean
    // nothing. Throws MoleculeError for the SMILES and Error for a list that is anything else.
    explicit Fragment(std::string_view line);

    bool whole() const { return whole_; }                             // there was no list
    const std::vector<std::string>& words() const { return words_; }  // tokens of the SELFIES

    // Whether the token stays: those of kept atoms, with their index tokens the rings that bind two of them, and every
    // branch that stands between two of them that are bound.
    bool keeps(std::size_t token) const { return kept_[token]; }

    // The tokens' numbers among `vocabulary`, vocabulary.size() for one that does not stay. Throws Error where it lacks
    // one.
    std::vector<std::uint8_t> symbols(std::span<const std::string> vocabulary) const;

    // Whether in the molecule of a row that has the kept tokens at the same places each is still an atom, and the bonds
    // among these atoms and their orders are those of the SMILES (aromatic ones as SELFIES write them, single and
    // double in turn): none more, none less. Bonds to other atoms may be any. Throws MoleculeError as decode_tokens
    // does.
    bool is_in(std::span<const Token> row) const;

private:
    struct BoundPair {
        std::uint32_t first, last;  // places of the atoms' tokens
        Order order;
        bool operator==(const BoundPair&) const = default;
        auto operator<=>(const BoundPair&) const = default;
    };

    // The bonds among atoms whose tokens are kept, sorted; `atoms`: how many such atoms there are.
    std::vector<BoundPair> bonds_among_kept(std::span<const Token> row, std::size_t& atoms) const;

    std::vector<std::string> words_;
    std::vector<bool> kept_;
    bool whole_ = false;
    std::vector<BoundPair> bonds_;  // among kept atoms
    std::size_t atoms_ = 0;         // kept
};

// Numbers from 1 to `atoms` of a list as above; marks them. Throws Error with what is wrong in it.
std::vector<bool> read_atom_list(std::string_view list, std::int32_t atoms);

// Whether a line ends in blanks or tabs and what could only be meant as a list of atoms: digits, dashes, commas and
// blanks.
bool ends_in_atom_list(std::string_view line);

// Whether there is nothing on the line, up to its first blank or tab, but [tokens], dots, commas and the signs of
// unknown ones (□ _ …).
bool begins_with_tokens(std::string_view line);

// Throws Error unless what stands behind a row of tokens and a tab is a molecule, as `sample` writes it there: the row
// alone is read.
void check_behind_tab(std::string_view line);

}  // namespace marginalia::molecules
