// A number that says something of a molecule.
#pragma once

#include <memory>
#include <string>

#include <GraphMol/ROMol.h>

namespace molecule_properties {

// Threads: const methods from several at once.
class Property {
public:
    virtual ~Property() = default;
    virtual std::string name() const = 0;
    virtual std::string unit() const { return ""; }
    // Whether value() asks for what perceive_all finds.
    virtual bool needs_all() const { return true; }
    // Of a molecule with at least one atom.
    virtual double value(const RDKit::ROMol& molecule) const = 0;
};

// log P, the logarithm of the partition coefficient of octanol and water, by atomic contributions (S. A. Wildman, G. M.
// Crippen, J. Chem. Inf. Comput. Sci. 39, 868 (1999)): RDKit's parameters and types, found without adding hydrogens.
std::shared_ptr<const Property> lipophilicity();

// Quantitative estimate of drug-likeness, 0 to 1 (G. R. Bickerton et al., Nature Chemistry 4, 90 (2012)), mean weights.
std::shared_ptr<const Property> qed();

// Ease of synthesis, 1 (easy) to 10 (P. Ertl, A. Schuffenhauer, J. Cheminform. 1, 8 (2009)). `scores`: the fragments'
// scores, fpscores.pkl.gz as it comes with RDKit, or lines "fragment TAB score"; empty: where Debian or a Python
// package puts it. Throws Error where it cannot be read.
std::shared_ptr<const Property> synthetic_accessibility(const std::string& scores);

// Average molecular weight in g/mol, hydrogens in it.
std::shared_ptr<const Property> molecular_weight();

// Tanimoto similarity, 0 to 1, of Morgan fingerprints (radius 2, 2048 bits) with that of a given SMILES. Throws Error.
std::shared_ptr<const Property> similarity_to(const std::string& smiles);

}  // namespace molecule_properties
