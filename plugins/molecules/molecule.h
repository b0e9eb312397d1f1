// A molecule as the SMILES or SELFIES that it was read from spells it.
#pragma once

#include <marginalia/error.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace marginalia::molecules {

// Says what is wrong with a SMILES or a SELFIES, and where: what() begins "character N: ", N counting bytes from 1.
class MoleculeError final : public Error {
public:
    MoleculeError(std::size_t position, const std::string& sentence)
        : Error("character " + std::to_string(position + 1) + ": " + sentence), position_(position) {}

    std::size_t position() const { return position_; }  // the byte, from 0; the text's size where its end is meant

private:
    std::size_t position_;
};

enum class Chirality : std::uint8_t { none, counterclockwise, clockwise };  // "", @, @@

// Twice the bond order, so that sums of orders are whole numbers.
enum class Order : std::uint8_t { single = 2, aromatic = 3, twofold = 4, threefold = 6 };

// The slash written at a single bond beside a double bond.
enum class Slash : std::uint8_t { none, up, down };  // "", /, "\"

struct Atom {
    static constexpr std::int8_t implied = -1;

    std::uint8_t element = 6;  // atomic number, 1 to 118
    bool aromatic = false;     // written in lower case; kekulize() clears it
    Chirality chirality = Chirality::none;
    std::int8_t hydrogens = implied;  // in the brackets, 0 to 9; implied: no brackets, the valence says how many
    std::int32_t charge = 0;          // elementary charges
    std::int32_t isotope = -1;        // mass number; -1: none given
    std::uint32_t position = 0;       // byte in the text that the atom was read from

    // Written without brackets: nothing but an element of the organic subset.
    bool plain() const { return hydrogens == implied && charge == 0 && isotope < 0 && chirality == Chirality::none; }
};

// A bond as it leaves an atom. A chain bond is there once, at the atom that stands first; a ring bond is there at both
// of its atoms, each half with the slash written there.
struct Bond {
    static constexpr std::int32_t nothing = -1;

    std::int32_t from = nothing;
    std::int32_t to = nothing;     // nothing: a ring bond whose other end has not come yet
    std::int32_t other = nothing;  // number of the other half of a ring bond
    std::int32_t next = nothing;   // number of the bond that leaves the same atom after this one
    Order order = Order::single;
    Slash slash = Slash::none;

    bool ring() const { return other != nothing; }
};

// Atoms 0, 1, .. in the order of the text, and the bonds that leave each of them in the order of the text: that order
// is what chirality refers to, and what SELFIES keep. Chain bonds lead from a lower to a higher number and make a tree
// of every fragment.
//
// A value: copied and moved as such, used by one thread at a time while it is changed. Atom numbers given to methods
// must exist.
class Molecule {
public:
    // Bonds of one atom, to go over with `for`.
    class Leaving {
    public:
        class iterator {
        public:
            iterator(const Bond* bonds, std::int32_t number) : bonds_(bonds), number_(number) {}
            const Bond& operator*() const { return bonds_[number_]; }
            iterator& operator++() {
                number_ = bonds_[number_].next;
                return *this;
            }
            bool operator!=(const iterator& that) const { return number_ != that.number_; }

        private:
            const Bond* bonds_;
            std::int32_t number_;
        };
        Leaving(const Bond* bonds, std::int32_t first) : bonds_(bonds), first_(first) {}
        iterator begin() const { return {bonds_, first_}; }
        iterator end() const { return {bonds_, Bond::nothing}; }

    private:
        const Bond* bonds_;
        std::int32_t first_;
    };

    std::int32_t size() const { return static_cast<std::int32_t>(atoms_.size()); }
    const Atom& atom(std::int32_t number) const { return atoms_[static_cast<std::size_t>(number)]; }
    Atom& atom(std::int32_t number) { return atoms_[static_cast<std::size_t>(number)]; }
    const std::vector<std::int32_t>& roots() const { return roots_; }  // first atom of every fragment
    const std::vector<Bond>& bonds() const { return bonds_; }          // in the order in which they came
    Leaving leaving(std::int32_t atom) const { return {bonds_.data(), places(atom).first}; }
    std::int32_t last_leaving(std::int32_t atom) const { return places(atom).last; }  // Bond::nothing: none
    std::int32_t chain_into(std::int32_t atom) const { return places(atom).into; }    // Bond::nothing: a root

    // Twice the sum of the orders of an atom's bonds, hydrogens left out.
    std::int32_t twice_orders(std::int32_t atom) const { return places(atom).twice_orders; }
    bool in_ring_bond(std::int32_t atom) const { return places(atom).rings > 0; }

    // The bond between two different atoms (of a ring bond either half), or Bond::nothing.
    std::int32_t bond_between(std::int32_t a, std::int32_t b) const;

    std::int32_t add_root(const Atom& atom);
    std::int32_t add_atom(const Atom& atom, std::int32_t parent, Order order, Slash slash);

    // A ring bond in two steps: its place among the bonds of the atom where it opens, then its end, which is put last
    // among the bonds of the atom where it closes.
    std::int32_t open_ring(std::int32_t atom);
    void close_ring(std::int32_t opened, std::int32_t atom, Order order, Slash at_opening, Slash at_closing);

    // A ring bond put, at both atoms, after the ring bonds with which the atom's bonds begin.
    void add_ring(std::int32_t a, std::int32_t b, Order order, Slash at_a, Slash at_b);

    void set_order(std::int32_t bond, Order order);  // of both halves

private:
    struct Places {
        std::int32_t first = Bond::nothing, last = Bond::nothing;  // bonds that leave
        std::int32_t into = Bond::nothing;
        std::int32_t rings = 0;  // complete ring bonds
        std::int32_t twice_orders = 0;
    };

    const Places& places(std::int32_t atom) const { return places_[static_cast<std::size_t>(atom)]; }
    Places& places(std::int32_t atom) { return places_[static_cast<std::size_t>(atom)]; }
    Bond& bond(std::int32_t number) { return bonds_[static_cast<std::size_t>(number)]; }
    std::int32_t new_bond(const Bond& bond);
    void put_last(std::int32_t number);
    void put_after_rings(std::int32_t number);
    void pair_up(std::int32_t a, std::int32_t b, Order order);

    std::vector<Atom> atoms_;
    std::vector<Places> places_;
    std::vector<Bond> bonds_;
    std::vector<std::int32_t> roots_;
};

}  // namespace marginalia::molecules
