// Quantities of a molecule that need no perception of aromatic rings.
#pragma once

#include <cstdint>
#include <vector>

#include "plugins/molecules/molecule.h"

namespace marginalia::molecules {

// Cycles of the molecule's graph.
struct Rings {
    std::int32_t count = 0;   // independent ones: bonds - atoms + connected parts
    std::vector<bool> bonds;  // by number in Molecule::bonds(): whether the bond is part of a cycle
};
Rings rings_of(const Molecule& molecule);

struct Properties {
    std::int32_t heavy_atoms = 0;      // all but hydrogen
    std::int32_t heteroatoms = 0;      // neither carbon nor hydrogen
    std::int32_t rings = 0;            // Rings::count
    std::int32_t rotatable_bonds = 0;  // single, in no ring, between heavy atoms that have another heavy neighbour and
                                       // no triple bond (RDKit's non-strict count)
    double weight = 0;                 // g/mol, implied hydrogens in it; an isotope weighs its mass number
};

// Of a kekulized molecule.
Properties properties_of(const Molecule& molecule);

// Hydrogens of an atom of a kekulized molecule that are no atoms of their own: those in its brackets, or without
// brackets as many as the next of the usual valences leaves room for.
std::int32_t hydrogens_of(const Molecule& molecule, std::int32_t atom);

// Whether a SMILES is that of a molecule, more strictly than to be encoded: every aromatic atom lies in a ring, the
// aromatic bonds kekulize and the valences keep the default constraints. Kekulizes the molecule; throws MoleculeError.
// Aromatic bonds that lie in no ring, as between the rings of biphenyl, are taken as single.
void check_molecule(Molecule& molecule);

}  // namespace marginalia::molecules
