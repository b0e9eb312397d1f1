#include "plugins/molecules/smiles_cursor.h"

#include <marginalia/characters.h>

#include "plugins/molecules/elements.h"

namespace marginalia::molecules {
namespace {

constexpr int most_digits = 9;  // of an isotope or a charge, which are 32 bits wide

}  // namespace

std::string SmilesCursor::quoted() const { return quoted_character(text_.substr(at_)); }

Atom SmilesCursor::bare_atom() {
    const char c = peek();
    const bool two = (c == 'B' && peek(1) == 'r') || (c == 'C' && peek(1) == 'l');
    const char symbol[] = {is_lower(c) ? static_cast<char>(c - 'a' + 'A') : c, peek(1)};
    Atom atom;
    atom.element = static_cast<std::uint8_t>(element_of({symbol, two ? 2u : 1u}));
    atom.aromatic = is_lower(c);
    atom.position = static_cast<std::uint32_t>(at_);
    if (!in_organic_subset(atom.element) || (atom.aromatic && !may_be_aromatic(atom.element)))
        refuse(at_, quoted() +
                        " is not an atom by itself; B C N O P S F Cl Br I and b c n o p s are, others stand in "
                        "brackets");
    at_ += two ? 2 : 1;
    return atom;
}

Atom SmilesCursor::bracket_atom() {
    const std::size_t opened = at_++;
    Atom atom;
    atom.position = static_cast<std::uint32_t>(opened);
    if (is_digit(peek())) atom.isotope = number("isotope");
    read_symbol(atom);
    if (peek() == '@') {
        refuse_other_chirality();
        atom.chirality = peek(1) == '@' ? Chirality::clockwise : Chirality::counterclockwise;
        at_ += peek(1) == '@' ? 2 : 1;
    }
    atom.hydrogens = 0;
    if (peek() == 'H') {
        ++at_;
        atom.hydrogens = is_digit(peek()) ? static_cast<std::int8_t>(text_[at_++] - '0') : std::int8_t{1};
    }
    if (peek() == '+' || peek() == '-') atom.charge = charge();
    if (peek() == ':') {
        ++at_;
        number("atom class");
    }
    if (ended()) refuse(opened, "this '[' is not closed by a ']'");
    if (peek() != ']')
        refuse(at_, quoted() +
                        " cannot stand here in an atom; the order is [isotope, symbol, @ or @@, hydrogens, "
                        "charge, :class]");
    ++at_;
    return atom;
}

void SmilesCursor::read_symbol(Atom& atom) {
    const char c = peek();
    if (c == '*') refuse(at_, wildcard);
    const std::size_t size = is_lower(peek(1)) ? 2 : 1;
    const char symbol[] = {is_lower(c) ? static_cast<char>(c - 'a' + 'A') : c, peek(1)};
    atom.element = static_cast<std::uint8_t>(element_of({symbol, size}));
    atom.aromatic = is_lower(c);
    if (atom.element == 0 || (atom.aromatic && !may_be_aromatic(atom.element)))
        refuse(at_, "in these brackets no element's symbol follows" +
                        (is_lower(c) ? std::string("; lower case is for `b c n o p s al si as se te`") : ""));
    at_ += size;
}

// @TH1 and the like, for other shapes than a tetrahedron.
void SmilesCursor::refuse_other_chirality() const {
    for (const std::string_view shape : {"@TH", "@AL", "@SP", "@TB", "@OH"})
        if (text_.substr(at_).starts_with(shape))
            refuse(at_, "the chirality " + std::string(shape) + " is not supported; @ and @@ are");
}

// The digits from here on.
std::int32_t SmilesCursor::number(const char* what) {
    const std::size_t begin = at_;
    std::int32_t value = 0;
    for (; is_digit(peek()); ++at_) {
        if (at_ - begin == most_digits) refuse(begin, std::string("this ") + what + " is too large a number");
        value = 10 * value + (text_[at_] - '0');
    }
    if (at_ == begin) refuse(at_, std::string("here the number of the ") + what + " is missing");
    return value;
}

// + or -, with a number or again and again.
std::int32_t SmilesCursor::charge() {
    const char sign = text_[at_++];
    std::int32_t size = 1;
    if (is_digit(peek())) size = number("charge");
    else
        for (; peek() == sign; ++at_) ++size;
    return sign == '+' ? size : -size;
}

}  // namespace marginalia::molecules
