// Rows of numbered tokens, and the molecules and lines of text that they stand for.
#pragma once

#include <marginalia/states.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/molecules/molecule.h"
#include "plugins/molecules/selfies.h"

namespace molecule_properties {

namespace molecules = marginalia::molecules;

enum class Notation { selfies, smiles };

// Threads: const methods from several at once.
class TokenRows {
public:
    // `alphabet`: tokens of SELFIES one after another, or characters of SMILES; "moses": those of that data set. The
    // padding, [nop] or a blank, is symbol 0 and need not be given. Throws Error.
    TokenRows(Notation notation, const std::string& alphabet);

    std::int64_t categories() const { return static_cast<std::int64_t>(words_.size()); }

    // The kekulized molecule of a full row. Throws MoleculeError where there is none.
    molecules::Molecule molecule(marginalia::State row) const;

    // How many symbols at the beginning of a full row decide its molecule: those behind may be any.
    std::size_t deciding(marginalia::State row) const;

    // The row's tokens, □ for an unknown one, without the padding at its end.
    std::string text(marginalia::State row) const;

    // The inverse, and more: a line that is shorter than a row is padded, the SMILES that sample writes behind a tab is
    // left out, one that ends in … or ... is unknown from there on, and among SELFIES one that is no row of tokens is
    // read as a SMILES, of which a list of atoms behind it ("1-6,9", from 1; see molecules::Fragment) keeps these and
    // leaves all else unknown. Throws Error.
    void parse(std::string_view line, std::span<std::uint8_t> row) const;

    // Whether a full row that was completed from such a line has the bonds among the atoms that it lists; see
    // Energy::keeps.
    bool keeps(std::string_view line, marginalia::State row) const;

private:
    std::uint8_t unknown() const { return static_cast<std::uint8_t>(words_.size()); }
    std::vector<molecules::Token> tokens_of(marginalia::State row) const;
    int symbol_of(std::string_view word) const;  // -1: none
    bool is_smiles(std::string_view line) const;
    [[noreturn]] void refuse_list() const;
    void parse_tokens(std::string_view line, std::span<std::uint8_t> row) const;
    void parse_smiles(std::string_view line, std::span<std::uint8_t> row) const;
    void put(std::vector<std::uint8_t> symbols, std::uint8_t rest, std::span<std::uint8_t> row) const;

    Notation notation_;
    std::vector<std::string> words_;
    std::vector<molecules::Token> tokens_;  // SELFIES: of each word
};

}  // namespace molecule_properties
