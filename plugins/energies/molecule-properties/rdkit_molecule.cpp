#include "molecule-properties/rdkit_molecule.h"

#include <GraphMol/MolOps.h>
#include <GraphMol/RingInfo.h>
#include <GraphMol/SanitException.h>
#include <GraphMol/SmilesParse/SmilesParse.h>

#include "plugins/molecules/elements.h"
#include "plugins/molecules/properties.h"
#include "plugins/molecules/smiles.h"

namespace molecule_properties {
namespace {

using molecules::Bond;
using molecules::Molecule;
using molecules::Order;

constexpr int hydrogen = 1;

// Of each atom, hydrogens that are atoms of their own and may be counted with it instead.
struct Folded {
    std::vector<int> hydrogens;
    bool all = true;  // false: some hydrogen cannot be folded so that RDKit would do the same
};

int usual_valence(int element, int bonds) {
    for (const std::uint8_t valence : molecules::usual_valences(element))
        if (valence >= bonds) return valence;
    return -1;
}

Folded fold(const Molecule& molecule) {
    Folded folded{std::vector<int>(static_cast<std::size_t>(molecule.size()))};
    for (std::int32_t number = 0; number < molecule.size(); ++number) {
        const molecules::Atom& atom = molecule.atom(number);
        if (atom.element != hydrogen) continue;
        const std::int32_t into = molecule.chain_into(number);
        const auto leaving = molecule.leaving(number);
        std::int32_t parent = Bond::nothing;
        if (into != Bond::nothing) parent = molecule.bonds()[static_cast<std::size_t>(into)].from;
        else if (leaving.begin() != leaving.end()) parent = (*leaving.begin()).to;
        if (parent == Bond::nothing || !(atom.plain() || atom.hydrogens == 0) || atom.charge != 0 || atom.isotope > 0 ||
            molecule.twice_orders(number) != 2 || molecule.atom(parent).element == hydrogen) {
            folded.all = false;
            return folded;
        }
        ++folded.hydrogens[static_cast<std::size_t>(parent)];
    }
    for (std::int32_t number = 0; number < molecule.size(); ++number) {
        const molecules::Atom& atom = molecule.atom(number);
        const int count = folded.hydrogens[static_cast<std::size_t>(number)];
        if (count == 0 || atom.hydrogens != molecules::Atom::implied) continue;
        const int bonds = molecule.twice_orders(number) / 2;
        if (usual_valence(atom.element, bonds) != usual_valence(atom.element, bonds - count)) folded.all = false;
    }
    return folded;
}

RDKit::Bond::BondType type_of(Order order) {
    return order == Order::single    ? RDKit::Bond::SINGLE
           : order == Order::twofold ? RDKit::Bond::DOUBLE
                                     : RDKit::Bond::TRIPLE;
}

std::unique_ptr<RDKit::RWMol> built(const Molecule& molecule, const Folded& folded) {
    auto made = std::make_unique<RDKit::RWMol>();
    std::vector<unsigned> places(static_cast<std::size_t>(molecule.size()));
    for (std::int32_t number = 0; number < molecule.size(); ++number) {
        const molecules::Atom& atom = molecule.atom(number);
        if (atom.element == hydrogen) continue;
        auto* made_atom = new RDKit::Atom(atom.element);
        made_atom->setFormalCharge(atom.charge);
        if (atom.isotope > 0) made_atom->setIsotope(static_cast<unsigned>(atom.isotope));
        if (atom.hydrogens != molecules::Atom::implied) {
            made_atom->setNoImplicit(true);
            made_atom->setNumExplicitHs(
                static_cast<unsigned>(atom.hydrogens + folded.hydrogens[static_cast<std::size_t>(number)]));
        }
        places[static_cast<std::size_t>(number)] = made->addAtom(made_atom, false, true);
    }
    for (std::size_t number = 0; number < molecule.bonds().size(); ++number) {
        const Bond& bond = molecule.bonds()[number];
        if (bond.ring() && bond.other < static_cast<std::int32_t>(number)) continue;
        if (molecule.atom(bond.from).element == hydrogen || molecule.atom(bond.to).element == hydrogen) continue;
        made->addBond(places[static_cast<std::size_t>(bond.from)], places[static_cast<std::size_t>(bond.to)],
                      type_of(bond.order));
    }
    return made;
}

void perceive(RDKit::RWMol& molecule, std::size_t fragments) {
    RDKit::MolOps::cleanUp(molecule);
    molecule.updatePropertyCache(true);
    const bool rings = molecule.getNumBonds() + fragments > molecule.getNumAtoms();
    if (rings) RDKit::MolOps::symmetrizeSSSR(molecule);
    else RDKit::MolOps::fastFindRings(molecule);
    RDKit::MolOps::assignRadicals(molecule);
    if (rings) RDKit::MolOps::setAromaticity(molecule);
}

}  // namespace

std::unique_ptr<RDKit::RWMol> rdkit_molecule(const Molecule& molecule) {
    try {
        const Folded folded = fold(molecule);
        if (folded.all) {
            auto made = built(molecule, folded);
            perceive(*made, molecule.roots().size());
            return made;
        }
        std::string smiles = molecules::write_smiles(molecule);
        return std::unique_ptr<RDKit::RWMol>(RDKit::SmilesToMol(smiles));
    } catch (const RDKit::MolSanitizeException&) {
        return nullptr;
    }
}

void perceive_all(RDKit::RWMol& molecule) {
    RDKit::MolOps::setConjugation(molecule);
    RDKit::MolOps::setHybridization(molecule);
    RDKit::MolOps::adjustHs(molecule);
}

}  // namespace molecule_properties
