#include <charconv>

#include "plugins/molecules/elements.h"
#include "plugins/molecules/smiles.h"

namespace marginalia::molecules {
namespace {

void append_number(std::string& text, std::int64_t number) {
    char digits[20];
    text.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

void append_charge(std::string& text, std::int32_t charge) {
    if (charge > 0) text += '+';
    append_number(text, charge);
}

void append_written(std::string& text, const Atom& atom) {
    if (!atom.plain()) text += '[';
    append_atom(text, atom);
    if (!atom.plain()) text += ']';
}

class Writer {
public:
    explicit Writer(const Molecule& molecule) : molecule_(molecule) {}

    std::string write() {
        text_.reserve(static_cast<std::size_t>(molecule_.size()) * 3);
        for (const std::int32_t root : molecule_.roots()) {
            if (root != molecule_.roots().front()) text_ += '.';
            fragment(root);
        }
        return std::move(text_);
    }

private:
    // An atom some of whose bonds are written.
    struct Open {
        std::int32_t next;  // bond
        bool branch;        // in parentheses
    };

    void enter(std::int32_t atom, bool branch) {
        append_written(text_, molecule_.atom(atom));
        const auto bonds = molecule_.leaving(atom);
        open_.push_back({bonds.begin() != bonds.end() ? number_of(*bonds.begin()) : Bond::nothing, branch});
    }

    void fragment(std::int32_t root) {
        enter(root, false);
        while (!open_.empty()) {
            const std::int32_t number = open_.back().next;
            if (number == Bond::nothing) {
                if (open_.back().branch) text_ += ')';
                open_.pop_back();
                continue;
            }
            const Bond& bond = molecule_.bonds()[static_cast<std::size_t>(number)];
            open_.back().next = bond.next;
            const bool branch = !bond.ring() && bond.next != Bond::nothing;
            if (branch) text_ += '(';
            append_sign(bond);
            if (bond.ring()) append_ring(number, bond.other);
            else enter(bond.to, branch);
        }
    }

    std::int32_t number_of(const Bond& bond) const {
        return static_cast<std::int32_t>(&bond - molecule_.bonds().data());
    }

    void append_sign(const Bond& bond) {
        const bool aromatic_ends = molecule_.atom(bond.from).aromatic && molecule_.atom(bond.to).aromatic;
        switch (bond.order) {
            case Order::twofold: text_ += '='; break;
            case Order::threefold: text_ += '#'; break;
            case Order::aromatic:
                if (!aromatic_ends) text_ += ':';
                break;
            case Order::single:
                if (bond.slash != Slash::none) text_ += bond.slash == Slash::up ? '/' : '\\';
                else if (aromatic_ends) text_ += '-';
        }
    }

    void append_ring(std::int32_t half, std::int32_t other) {
        if (ring_numbers_.empty()) ring_numbers_.resize(molecule_.bonds().size());
        std::int32_t& number = ring_numbers_[static_cast<std::size_t>(half)];
        if (number == 0) number = ring_numbers_[static_cast<std::size_t>(other)] = ++rings_;
        if (number >= 10) text_ += '%';
        if (number >= 100) text_ += '(';
        append_number(text_, number);
        if (number >= 100) text_ += ')';
    }

    const Molecule& molecule_;
    std::string text_;
    std::vector<Open> open_;
    std::vector<std::int32_t> ring_numbers_;  // by bond; 0: none yet
    std::int32_t rings_ = 0;
};

}  // namespace

void append_atom(std::string& text, const Atom& atom) {
    if (atom.isotope >= 0) append_number(text, atom.isotope);
    const std::string_view symbol = element_symbol(atom.element);
    text += atom.aromatic ? static_cast<char>(symbol[0] - 'A' + 'a') : symbol[0];
    text += symbol.substr(1);
    if (atom.chirality != Chirality::none) text += atom.chirality == Chirality::clockwise ? "@@" : "@";
    // [C] has no hydrogens and C has as many as fit: in a SELFIES only the H0 tells them apart.
    const bool bare = atom.isotope < 0 && atom.chirality == Chirality::none && atom.charge == 0;
    if (atom.hydrogens > 0 || (atom.hydrogens == 0 && bare && in_organic_subset(atom.element))) {
        text += 'H';
        append_number(text, atom.hydrogens);
    }
    if (atom.charge != 0) append_charge(text, atom.charge);
}

std::string write_smiles(const Molecule& molecule) { return Writer(molecule).write(); }

}  // namespace marginalia::molecules
