#include <array>
#include <vector>

#include <GraphMol/Descriptors/Crippen.h>
#include <GraphMol/GraphMol.h>
#include <GraphMol/QueryAtom.h>
#include <GraphMol/QueryBond.h>

#include "molecule-properties/property.h"

namespace molecule_properties {
namespace {

constexpr unsigned hydrogen_number = 1, oxygen = 8;
constexpr int elements = 119, aromatic_offset = 1000;

using Query = RDKit::Atom::QUERYATOM_QUERY;

// Whether a query can hold for an atom of an element, as far as its parts on element and aromaticity say.
bool may_hold(const Query& query, int element, bool aromatic) {
    const std::string& what = query.getDescription();
    if (query.getNegation()) return true;
    if (what == "AtomAnd" || what == "AtomOr") {
        const bool all = what == "AtomAnd";
        for (auto child = query.beginChildren(); child != query.endChildren(); ++child)
            if (may_hold(**child, element, aromatic) != all) return !all;
        return all;
    }
    const auto* equality = dynamic_cast<const Queries::EqualityQuery<int, const RDKit::Atom*, true>*>(&query);
    if (what == "AtomAtomicNum" && equality) return equality->getVal() == element;
    if (what == "AtomType" && equality) return equality->getVal() == element + aromatic_offset * aromatic;
    if (what == "AtomIsAromatic" || what == "AtomAromatic") return aromatic;
    if (what == "AtomIsAliphatic" || what == "AtomAliphatic") return !aromatic;
    return true;
}

// One of Crippen's types: a tree of queries around its first atom.
class Pattern {
public:
    Pattern(const RDKit::ROMol& pattern, double contribution) : pattern_(pattern), contribution_(contribution) {
        std::vector<bool> seen(pattern.getNumAtoms());
        add(0, nullptr, -1, seen);
    }

    double contribution() const { return contribution_; }
    bool for_hydrogen() const {
        return may_hold(*nodes_[0].atom->getQuery(), hydrogen_number, false) && !for_element(6, false);
    }
    bool for_element(int element, bool aromatic) const {
        return may_hold(*nodes_[0].atom->getQuery(), element, aromatic);
    }

    // Whether the pattern fits with its first atom here.
    bool fits(const RDKit::Atom& root) const {
        std::array<const RDKit::Atom*, most> taken{};
        taken[0] = &root;
        return nodes_[0].atom->Match(&root) && fits_from(1, taken);
    }

    // The same of a hydrogen, which is no atom, at this one.
    bool fits_hydrogen_at(const RDKit::Atom& parent) const {
        if (nodes_.size() == 1) return true;
        std::array<const RDKit::Atom*, most> taken{};
        taken[1] = &parent;
        return nodes_[1].atom->Match(&parent) && fits_from(2, taken);
    }

private:
    static constexpr std::size_t most = 8;  // atoms of a pattern

    struct Node {
        const RDKit::Atom* atom;
        const RDKit::Bond* bond;  // to the parent
        int parent;
    };

    void add(unsigned atom, const RDKit::Bond* bond, int parent, std::vector<bool>& seen) {
        seen[atom] = true;
        const int number = static_cast<int>(nodes_.size());
        nodes_.push_back({pattern_.getAtomWithIdx(atom), bond, parent});
        for (const RDKit::Bond* next : pattern_.atomBonds(pattern_.getAtomWithIdx(atom)))
            if (const unsigned other = next->getOtherAtomIdx(atom); !seen[other]) add(other, next, number, seen);
    }

    bool fits_from(std::size_t number, std::array<const RDKit::Atom*, most>& taken) const {
        if (number == nodes_.size()) return true;
        const Node& node = nodes_[number];
        const RDKit::Atom* parent = taken[static_cast<std::size_t>(node.parent)];
        for (const RDKit::Bond* bond : parent->getOwningMol().atomBonds(parent)) {
            const RDKit::Atom* atom = bond->getOtherAtom(parent);
            bool used = false;
            for (std::size_t i = 0; i < number; ++i) used = used || taken[i] == atom;
            if (used || !node.atom->Match(atom) || !node.bond->Match(bond)) continue;
            taken[number] = atom;
            if (fits_from(number + 1, taken)) return true;
        }
        return false;
    }

    const RDKit::ROMol& pattern_;
    double contribution_;
    std::vector<Node> nodes_;
};

// RDKit's own sum takes the first type that fits of each atom, of the molecule's atoms in their order and then of the
// hydrogens in the order of theirs; so does this one, to the last bit.
class Lipophilicity final : public Property {
public:
    Lipophilicity() {
        for (const auto& type : *RDKit::Descriptors::CrippenParamCollection::getParams()) {
            const Pattern pattern(*type.dp_pattern, type.logp);
            if (pattern.for_hydrogen()) {
                of_hydrogen_.push_back(pattern);
                continue;
            }
            for (int element = 2; element < elements; ++element)
                for (const bool aromatic : {false, true})
                    if (pattern.for_element(element, aromatic)) types(element, aromatic).push_back(pattern);
        }
    }

    std::string name() const override { return "logp"; }
    bool needs_all() const override { return false; }

    double value(const RDKit::ROMol& molecule) const override {
        if (needs_hydrogens(molecule)) {
            double log_p = 0, refractivity = 0;
            RDKit::Descriptors::calcCrippenDescriptors(molecule, log_p, refractivity, true, true);
            return log_p;
        }
        double sum = 0;
        for (const RDKit::Atom* atom : molecule.atoms()) sum += contribution(*atom);
        for (const RDKit::Atom* atom : molecule.atoms())
            if (const unsigned count = atom->getTotalNumHs()) {
                const double each = hydrogen_contribution(*atom);
                for (unsigned i = 0; i < count; ++i) sum += each;
            }
        return sum;
    }

private:
    std::vector<Pattern>& types(int element, bool aromatic) {
        return types_[static_cast<std::size_t>(2 * element + aromatic)];
    }

    // Where types look at a hydrogen as at an atom: isolated ones and water.
    static bool needs_hydrogens(const RDKit::ROMol& molecule) {
        for (const RDKit::Atom* atom : molecule.atoms())
            if (atom->getAtomicNum() == static_cast<int>(hydrogen_number) || atom->getAtomicNum() == 0 ||
                (atom->getAtomicNum() == static_cast<int>(oxygen) && atom->getTotalNumHs() > 1))
                return true;
        return false;
    }

    double contribution(const RDKit::Atom& atom) const {
        for (const Pattern& type : types_[static_cast<std::size_t>(2 * atom.getAtomicNum() + atom.getIsAromatic())])
            if (type.fits(atom)) return type.contribution();
        return 0;
    }

    double hydrogen_contribution(const RDKit::Atom& parent) const {
        for (const Pattern& type : of_hydrogen_)
            if (type.fits_hydrogen_at(parent)) return type.contribution();
        return 0;
    }

    std::array<std::vector<Pattern>, 2 * elements> types_;
    std::vector<Pattern> of_hydrogen_;
};

}  // namespace

std::shared_ptr<const Property> lipophilicity() { return std::make_shared<Lipophilicity>(); }

}  // namespace molecule_properties
