#include "plugins/molecules/properties.h"

#include <algorithm>

#include "plugins/molecules/constraints.h"
#include "plugins/molecules/elements.h"
#include "plugins/molecules/kekulize.h"

namespace marginalia::molecules {
namespace {

constexpr int hydrogen = 1, carbon = 6;

// Each bond once: ring bonds by their second half.
template <typename Take>
void each_bond(const Molecule& molecule, Take take) {
    for (std::int32_t number = 0; const Bond& bond : molecule.bonds()) {
        if (!bond.ring() || bond.other < number) take(number, bond);
        ++number;
    }
}

// Bonds that lie on no cycle, by Tarjan's search in depth: no later atom leads back behind them.
class Search {
public:
    explicit Search(const Molecule& molecule)
        : molecule_(molecule), begins_(size(molecule.size()) + 1), first_seen_(size(molecule.size()), unseen),
          lowest_(size(molecule.size())) {
        each_bond(molecule, [&](std::int32_t, const Bond& bond) {
            ++begins_[size(bond.from) + 1];
            ++begins_[size(bond.to) + 1];
            ++bonds_;
        });
        for (std::size_t i = 1; i < begins_.size(); ++i) begins_[i] += begins_[i - 1];
        ways_.resize(begins_.back());
        std::vector<std::size_t> ends(begins_.begin(), begins_.end() - 1);
        each_bond(molecule, [&](std::int32_t number, const Bond& bond) {
            ways_[ends[size(bond.from)]++] = {bond.to, number};
            ways_[ends[size(bond.to)]++] = {bond.from, number};
        });
        rings_.bonds.assign(molecule.bonds().size(), true);
    }

    Rings rings() {
        std::int32_t parts = 0;
        for (std::int32_t root = 0; root < molecule_.size(); ++root)
            if (first_seen_[size(root)] == unseen) search(root), ++parts;
        rings_.count = bonds_ - molecule_.size() + parts;
        return std::move(rings_);
    }

private:
    struct Way {
        std::int32_t to, bond;
    };
    struct Visit {
        std::int32_t atom, into;  // the bond by which it was reached
        std::size_t next;         // way
    };
    static constexpr std::int32_t unseen = -1;
    static std::size_t size(std::int32_t number) { return static_cast<std::size_t>(number); }

    void enter(std::int32_t atom, std::int32_t into) {
        first_seen_[size(atom)] = lowest_[size(atom)] = clock_++;
        visits_.push_back({atom, into, begins_[size(atom)]});
    }

    void search(std::int32_t root) {
        enter(root, Bond::nothing);
        while (!visits_.empty()) {
            Visit& visit = visits_.back();
            if (visit.next == begins_[size(visit.atom) + 1]) {
                leave();
                continue;
            }
            const Way way = ways_[visit.next++];
            if (way.bond == visit.into) continue;
            if (first_seen_[size(way.to)] == unseen) enter(way.to, way.bond);
            else lowest_[size(visit.atom)] = std::min(lowest_[size(visit.atom)], first_seen_[size(way.to)]);
        }
    }

    void leave() {
        const Visit done = visits_.back();
        visits_.pop_back();
        if (visits_.empty()) return;
        const std::size_t before = size(visits_.back().atom);
        lowest_[before] = std::min(lowest_[before], lowest_[size(done.atom)]);
        if (lowest_[size(done.atom)] <= first_seen_[before]) return;
        rings_.bonds[size(done.into)] = false;
        const Bond& bond = molecule_.bonds()[size(done.into)];
        if (bond.ring()) rings_.bonds[size(bond.other)] = false;
    }

    const Molecule& molecule_;
    std::vector<std::size_t> begins_;  // of each atom's ways
    std::vector<Way> ways_;
    std::vector<std::int32_t> first_seen_, lowest_;
    std::vector<Visit> visits_;
    std::int32_t clock_ = 0, bonds_ = 0;
    Rings rings_;
};

std::int32_t rotatable_bonds(const Molecule& molecule, const std::vector<bool>& in_ring) {
    std::vector<std::int32_t> heavy_neighbours(static_cast<std::size_t>(molecule.size()));
    std::vector<bool> triple(heavy_neighbours.size());
    const auto is_heavy = [&](std::int32_t atom) { return molecule.atom(atom).element != hydrogen; };
    each_bond(molecule, [&](std::int32_t, const Bond& bond) {
        const auto a = static_cast<std::size_t>(bond.from), b = static_cast<std::size_t>(bond.to);
        heavy_neighbours[a] += is_heavy(bond.to);
        heavy_neighbours[b] += is_heavy(bond.from);
        if (bond.order == Order::threefold) triple[a] = triple[b] = true;
    });
    const auto may_turn = [&](std::int32_t atom) {
        const auto i = static_cast<std::size_t>(atom);
        return is_heavy(atom) && heavy_neighbours[i] > 1 && !triple[i];
    };
    std::int32_t count = 0;
    each_bond(molecule, [&](std::int32_t number, const Bond& bond) {
        count += bond.order == Order::single && !in_ring[static_cast<std::size_t>(number)] && may_turn(bond.from) &&
                 may_turn(bond.to);
    });
    return count;
}

}  // namespace

Rings rings_of(const Molecule& molecule) { return Search(molecule).rings(); }

std::int32_t hydrogens_of(const Molecule& molecule, std::int32_t number) {
    const Atom& atom = molecule.atom(number);
    if (atom.hydrogens != Atom::implied) return atom.hydrogens;
    const std::int32_t bonds = molecule.twice_orders(number) / 2;
    for (const std::uint8_t valence : usual_valences(atom.element))
        if (valence >= bonds) return valence - bonds;
    return 0;
}

Properties properties_of(const Molecule& molecule) {
    Properties properties;
    for (std::int32_t number = 0; number < molecule.size(); ++number) {
        const Atom& atom = molecule.atom(number);
        properties.heavy_atoms += atom.element != hydrogen;
        properties.heteroatoms += atom.element != hydrogen && atom.element != carbon;
        properties.weight += atom.isotope > 0 ? atom.isotope : atomic_weight(atom.element);
        properties.weight += hydrogens_of(molecule, number) * atomic_weight(hydrogen);
    }
    const Rings rings = rings_of(molecule);
    properties.rings = rings.count;
    properties.rotatable_bonds = rotatable_bonds(molecule, rings.bonds);
    return properties;
}

void check_molecule(Molecule& molecule) {
    std::vector<bool> in_ring(static_cast<std::size_t>(molecule.size()));
    const Rings rings = rings_of(molecule);
    for (std::int32_t number = 0; number < static_cast<std::int32_t>(molecule.bonds().size()); ++number) {
        const Bond& bond = molecule.bonds()[static_cast<std::size_t>(number)];
        if (rings.bonds[static_cast<std::size_t>(number)])
            in_ring[static_cast<std::size_t>(bond.from)] = in_ring[static_cast<std::size_t>(bond.to)] = true;
        else if (bond.order == Order::aromatic) molecule.set_order(number, Order::single);
    }
    for (std::int32_t atom = 0; atom < molecule.size(); ++atom)
        if (molecule.atom(atom).aromatic && !in_ring[static_cast<std::size_t>(atom)])
            throw MoleculeError(molecule.atom(atom).position, "this atom is written as aromatic and lies in no ring");
    kekulize(molecule);
    check_valences(molecule);
}

}  // namespace marginalia::molecules
