#include "plugins/molecules/kekulize.h"

#include <algorithm>

#include "plugins/molecules/elements.h"
#include "plugins/molecules/matching.h"

namespace marginalia::molecules {
namespace {

constexpr std::int32_t outside = -1;
constexpr std::int32_t most_aromatic_bonds = 8;  // of an atom; bounds the time that malicious input takes

bool is_aromatic(const Bond& bond) { return bond.order == Order::aromatic; }

// Whether the aromatic bonds go on in this half: each bond once, ring bonds where they close.
bool stands_for_bond(const Bond& bond, std::int32_t number) { return !bond.ring() || bond.other < number; }

std::vector<std::int32_t> aromatic_degrees(const Molecule& molecule) {
    std::vector<std::int32_t> degrees(static_cast<std::size_t>(molecule.size()));
    for (std::int32_t number = 0; const Bond& bond : molecule.bonds()) {
        if (is_aromatic(bond) && stands_for_bond(bond, number))
            for (const std::int32_t end : {bond.from, bond.to}) ++degrees[static_cast<std::size_t>(end)];
        ++number;
    }
    return degrees;
}

// Whether an atom with this many aromatic bonds needs a double bond.
bool needs_double_bond(const Molecule& molecule, std::int32_t number, std::int32_t degree) {
    if (degree == 0) return false;
    const Atom& atom = molecule.atom(number);
    const AromaticFacts facts = aromatic_facts(atom.element);
    if (facts.valences.empty())
        throw MoleculeError(atom.position, std::string(element_symbol(atom.element)) + " cannot have an aromatic bond");
    if (degree > most_aromatic_bonds)
        throw MoleculeError(atom.position, "this atom has " + std::to_string(degree) + " aromatic bonds; " +
                                               std::to_string(most_aromatic_bonds) + " are the most");
    const int twice = molecule.twice_orders(number);
    int used = (twice - degree) / 2;  // aromatic bonds counted as single
    if (atom.hydrogens == Atom::implied)
        return std::find(facts.valences.begin(), facts.valences.end(), used) == facts.valences.end();
    used += atom.hydrogens;
    if (std::find(facts.valences.begin(), facts.valences.end(), used + atom.charge) != facts.valences.end())
        return false;
    const int bound = std::max(0, atom.charge) + atom.hydrogens + (twice + 1) / 2;
    const int radical = std::max(0, facts.electrons - bound) % 2;  // an unpaired electron takes no part
    const int left = facts.valences.back() - atom.charge - used - radical;
    return left >= 0 && left % 2 == 1;
}

// The atoms that need a double bond, as a graph along their aromatic bonds.
class Candidates {
public:
    explicit Candidates(const Molecule& molecule) : nodes_(static_cast<std::size_t>(molecule.size()), outside) {
        const std::vector<std::int32_t> degrees = aromatic_degrees(molecule);
        for (std::int32_t atom = 0; atom < molecule.size(); ++atom)
            if (needs_double_bond(molecule, atom, degrees[static_cast<std::size_t>(atom)])) {
                nodes_[static_cast<std::size_t>(atom)] = static_cast<std::int32_t>(atoms_.size());
                atoms_.push_back(atom);
            }
        build(molecule);
    }

    const Graph& graph() const { return graph_; }
    std::int32_t atom(std::int32_t node) const { return atoms_[static_cast<std::size_t>(node)]; }

private:
    template <typename Take>
    void each_edge(const Molecule& molecule, Take take) const {
        for (std::int32_t number = 0; const Bond& bond : molecule.bonds()) {
            if (is_aromatic(bond) && stands_for_bond(bond, number)) {
                const std::int32_t a = nodes_[static_cast<std::size_t>(bond.from)],
                                   b = nodes_[static_cast<std::size_t>(bond.to)];
                if (a != outside && b != outside) take(a, b), take(b, a);
            }
            ++number;
        }
    }

    void build(const Molecule& molecule) {
        graph_.begins.assign(atoms_.size() + 1, 0);
        each_edge(molecule, [&](std::int32_t a, std::int32_t) { ++graph_.begins[static_cast<std::size_t>(a) + 1]; });
        for (std::size_t i = 1; i < graph_.begins.size(); ++i) graph_.begins[i] += graph_.begins[i - 1];
        graph_.neighbours.resize(static_cast<std::size_t>(graph_.begins.back()));
        std::vector<std::int32_t> ends(graph_.begins.begin(), graph_.begins.end() - 1);
        each_edge(molecule, [&](std::int32_t a, std::int32_t b) {
            graph_.neighbours[static_cast<std::size_t>(ends[static_cast<std::size_t>(a)]++)] = b;
        });
    }

    std::vector<std::int32_t> nodes_;  // by atom
    std::vector<std::int32_t> atoms_;  // by node
    Graph graph_;
};

}  // namespace

void kekulize(Molecule& molecule) {
    bool aromatic = false;
    for (std::int32_t atom = 0; atom < molecule.size(); ++atom) aromatic |= molecule.atom(atom).aromatic;
    aromatic |= std::any_of(molecule.bonds().begin(), molecule.bonds().end(), is_aromatic);
    if (!aromatic) return;
    const Candidates candidates(molecule);
    const Matching matching = perfect_matching(candidates.graph());
    if (matching.unmatched >= 0)
        throw MoleculeError(molecule.atom(candidates.atom(matching.unmatched)).position,
                            "this aromatic system has no pattern of single and double bonds; this atom is left over");
    const auto bonds = static_cast<std::int32_t>(molecule.bonds().size());
    for (std::int32_t bond = 0; bond < bonds; ++bond)
        if (is_aromatic(molecule.bonds()[static_cast<std::size_t>(bond)])) molecule.set_order(bond, Order::single);
    for (std::int32_t node = 0; node < candidates.graph().size(); ++node) {
        const std::int32_t mate = matching.mates[static_cast<std::size_t>(node)];
        if (node < mate)
            molecule.set_order(molecule.bond_between(candidates.atom(node), candidates.atom(mate)), Order::twofold);
    }
    for (std::int32_t atom = 0; atom < molecule.size(); ++atom) molecule.atom(atom).aromatic = false;
}

}  // namespace marginalia::molecules
