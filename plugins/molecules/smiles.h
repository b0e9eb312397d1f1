// SMILES, read and written.
#pragma once

#include <string>
#include <string_view>

#include "plugins/molecules/molecule.h"

namespace marginalia::molecules {

// Reads a SMILES: atoms (isotope, @ and @@, hydrogens, charge; an atom class is read and dropped), bonds - = # : / \,
// branches, ring bonds (digit, %nn, %(n) up to five digits), fragments. A bond left out between two atoms in lower case
// is aromatic. Throws MoleculeError for all else, among it the wildcard *, the bond $, other chirality than @ and @@,
// and an empty fragment. Valences are not looked at. Time and memory grow with the length; nesting costs no stack.
Molecule parse_smiles(std::string_view smiles);

// The SMILES in the molecule's own order of atoms and bonds, ring bonds numbered in the order of their first end and no
// number used again (%nn from 10, %(nnn) from 100). Reading it gives the same molecule, but for positions and for
// chirality where ring bonds have changed their place.
std::string write_smiles(const Molecule& molecule);

// An atom as it stands in brackets, without them; SELFIES use the same form.
void append_atom(std::string& text, const Atom& atom);

}  // namespace marginalia::molecules
