// RDKit's form of a molecule.
#pragma once

#include <memory>

#include <GraphMol/RWMol.h>

#include "plugins/molecules/molecule.h"

namespace molecule_properties {

namespace molecules = marginalia::molecules;

// A kekulized molecule as RDKit has it after reading its SMILES without stereochemistry, hydrogens that are atoms of
// their own removed as there. Null where RDKit refuses it (valences). With valences, rings, radicals and aromaticity
// found, which Crippen's types ask for.
std::unique_ptr<RDKit::RWMol> rdkit_molecule(const molecules::Molecule& molecule);

// Finds the rest of what a SMILES read by RDKit has: conjugation, hybridisation, and the hydrogens that aromatic atoms
// must write.
void perceive_all(RDKit::RWMol& molecule);

}  // namespace molecule_properties
