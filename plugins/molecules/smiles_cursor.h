// A place in a SMILES, and the atoms read from there.
#pragma once

#include <string>
#include <string_view>

#include "plugins/molecules/characters.h"
#include "plugins/molecules/molecule.h"

namespace marginalia::molecules {

// A sign of SMILES that stands for any atom; what stands for one cannot be a molecule's.
constexpr const char* wildcard = "the wildcard * (any atom) is not supported; write the atom that is meant";

// Used by the reader of SMILES alone. Its methods leave it behind what they have read.
class SmilesCursor {
public:
    explicit SmilesCursor(std::string_view text) : text_(text) {}

    bool ended() const { return at_ == text_.size(); }
    std::size_t place() const { return at_; }
    char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
    char take() { return text_[at_++]; }
    void skip(std::size_t count) { at_ += count; }

    // The character here, as a message names it.
    std::string quoted() const;

    [[noreturn]] static void refuse(std::size_t position, const std::string& sentence) {
        throw MoleculeError(position, sentence);
    }

    Atom bare_atom();     // one of the organic subset
    Atom bracket_atom();  // [isotope symbol chirality hydrogens charge :class]

private:
    void read_symbol(Atom& atom);
    void refuse_other_chirality() const;
    std::int32_t number(const char* what);
    std::int32_t charge();

    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace marginalia::molecules
