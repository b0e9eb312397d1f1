// Single and double bonds in place of aromatic ones.
#pragma once

#include "plugins/molecules/molecule.h"

namespace marginalia::molecules {

// Gives every aromatic bond of a molecule the order 1 or 2 and clears Atom::aromatic, so that each atom that has an
// electron for the aromatic system (by its valences, bonds, hydrogens and charge) gets one double bond, and the others
// none. Of several ways it takes the one that the Python package selfies 2.2 takes. Throws MoleculeError at an atom
// that is left over. Time: about linear for molecules; at worst the number of such atoms times the number of their
// bonds.
void kekulize(Molecule& molecule);

}  // namespace marginalia::molecules
