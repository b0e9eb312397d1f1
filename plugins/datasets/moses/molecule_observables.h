// Quantities of the molecules that rows of tokens stand for.
#pragma once

#include <marginalia/states.h>

#include <span>
#include <string>
#include <vector>

#include "molecule_file.h"
#include "plugins/molecules/selfies.h"

namespace marginalia {

// For rows of symbols of one vocabulary, symbol 0 being the padding. Threads: const methods from several at once.
class MoleculeObservables {
public:
    MoleculeObservables(Tokens tokens, const std::vector<std::string>& words);

    // `valid` first; aromatic atoms only of SMILES, as SELFIES do not write them.
    std::vector<Observable> list() const;

    // Their values for a full row. Of one that is no molecule, valid is 0 and all others are NaN.
    void observe(State row, std::span<double> values) const;

    // The SMILES of a full row: its own, or that of its SELFIES; "" where it is no molecule.
    std::string smiles(State row) const;

    // Of a full row of SELFIES.
    std::vector<molecules::Token> tokens(State row) const;

private:
    void observe_molecule(State row, std::span<double> values) const;
    molecules::Molecule molecule(State row, double& aromatic_atoms) const;

    Tokens tokens_;
    std::vector<std::string> words_;
    std::vector<molecules::Token> selfies_;  // of each symbol
};

}  // namespace marginalia
