#include <marginalia/error.h>

#include <DataStructs/BitOps.h>
#include <DataStructs/ExplicitBitVect.h>
#include <GraphMol/Fingerprints/MorganFingerprints.h>
#include <GraphMol/SanitException.h>
#include <GraphMol/SmilesParse/SmilesParse.h>

#include "molecule-properties/property.h"

namespace molecule_properties {
namespace {

constexpr unsigned radius = 2, bits = 2048;

std::unique_ptr<ExplicitBitVect> fingerprint(const RDKit::ROMol& molecule) {
    return std::unique_ptr<ExplicitBitVect>(RDKit::MorganFingerprints::getFingerprintAsBitVect(molecule, radius, bits));
}

std::unique_ptr<RDKit::ROMol> read(const std::string& smiles) {
    try {
        if (auto* molecule = RDKit::SmilesToMol(smiles); molecule && molecule->getNumAtoms() > 0)
            return std::unique_ptr<RDKit::ROMol>(molecule);
    } catch (const std::exception&) {
    }
    throw marginalia::Error("molecule = \"" + smiles + "\" is not a SMILES of a molecule that RDKit can read");
}

class Similarity final : public Property {
public:
    explicit Similarity(const std::string& smiles) : to_(fingerprint(*read(smiles))) {}
    std::string name() const override { return "similarity"; }
    bool needs_all() const override { return false; }
    double value(const RDKit::ROMol& molecule) const override {
        return TanimotoSimilarity(*fingerprint(molecule), *to_);
    }

private:
    std::unique_ptr<ExplicitBitVect> to_;
};

}  // namespace

std::shared_ptr<const Property> similarity_to(const std::string& smiles) {
    return std::make_shared<Similarity>(smiles);
}

}  // namespace molecule_properties
