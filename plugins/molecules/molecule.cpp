#include "plugins/molecules/molecule.h"

namespace marginalia::molecules {

std::int32_t Molecule::add_root(const Atom& atom) {
    roots_.push_back(size());
    atoms_.push_back(atom);
    places_.emplace_back();
    return size() - 1;
}

std::int32_t Molecule::add_atom(const Atom& atom, std::int32_t parent, Order order, Slash slash) {
    const std::int32_t number = size();
    const std::int32_t made = new_bond({.from = parent, .to = number, .order = order, .slash = slash});
    put_last(made);
    atoms_.push_back(atom);
    places_.emplace_back();
    places(number).into = made;
    for (const std::int32_t end : {parent, number}) places(end).twice_orders += static_cast<std::int32_t>(order);
    return number;
}

std::int32_t Molecule::open_ring(std::int32_t atom) {
    const std::int32_t opened = new_bond({.from = atom});
    put_last(opened);
    return opened;
}

void Molecule::close_ring(std::int32_t opened, std::int32_t atom, Order order, Slash at_opening, Slash at_closing) {
    const std::int32_t closed = new_bond({.from = atom, .slash = at_closing});
    put_last(closed);
    bond(opened).slash = at_opening;
    pair_up(opened, closed, order);
}

void Molecule::add_ring(std::int32_t a, std::int32_t b, Order order, Slash at_a, Slash at_b) {
    const std::int32_t one = new_bond({.from = a, .slash = at_a}), two = new_bond({.from = b, .slash = at_b});
    put_after_rings(one);
    put_after_rings(two);
    pair_up(one, two, order);
}

void Molecule::pair_up(std::int32_t a, std::int32_t b, Order order) {
    for (const auto& [half, that] : {std::pair(a, b), std::pair(b, a)}) {
        bond(half).to = bond(that).from;
        bond(half).other = that;
        bond(half).order = order;
        places(bond(half).from).twice_orders += static_cast<std::int32_t>(order);
        ++places(bond(half).from).rings;
    }
}

void Molecule::set_order(std::int32_t number, Order order) {
    const std::int32_t change = static_cast<std::int32_t>(order) - static_cast<std::int32_t>(bond(number).order);
    for (const std::int32_t end : {bond(number).from, bond(number).to}) places(end).twice_orders += change;
    bond(number).order = order;
    if (bond(number).ring()) bond(bond(number).other).order = order;
}

std::int32_t Molecule::bond_between(std::int32_t a, std::int32_t b) const {
    if (a > b) std::swap(a, b);
    const std::int32_t into = places(b).into;
    if (into != Bond::nothing && bonds_[static_cast<std::size_t>(into)].from == a) return into;
    // Of a hub with very many ring bonds the other end is asked: it has few.
    if (places(a).rings > places(b).rings) std::swap(a, b);
    std::int32_t left = places(a).rings;
    for (std::int32_t at = places(a).first; left > 0; at = bonds_[static_cast<std::size_t>(at)].next) {
        const Bond& bond = bonds_[static_cast<std::size_t>(at)];
        if (bond.ring() && bond.to == b) return at;
        left -= bond.ring();
    }
    return Bond::nothing;
}

std::int32_t Molecule::new_bond(const Bond& bond) {
    bonds_.push_back(bond);
    return static_cast<std::int32_t>(bonds_.size()) - 1;
}

void Molecule::put_last(std::int32_t number) {
    Places& at = places(bond(number).from);
    (at.last == Bond::nothing ? at.first : bond(at.last).next) = number;
    at.last = number;
}

void Molecule::put_after_rings(std::int32_t number) {
    Places& at = places(bond(number).from);
    std::int32_t before = Bond::nothing, after = at.first;
    while (after != Bond::nothing && bond(after).ring()) before = after, after = bond(after).next;
    (before == Bond::nothing ? at.first : bond(before).next) = number;
    bond(number).next = after;
    if (after == Bond::nothing) at.last = number;
}

}  // namespace marginalia::molecules
