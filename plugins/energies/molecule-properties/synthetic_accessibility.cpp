#include <algorithm>
#include <cmath>

#include <DataStructs/SparseIntVect.h>
#include <GraphMol/Descriptors/MolDescriptors.h>
#include <GraphMol/Fingerprints/MorganFingerprints.h>
#include <GraphMol/GraphMol.h>
#include <GraphMol/MolOps.h>

#include "molecule-properties/fragment_scores.h"
#include "molecule-properties/property.h"

namespace molecule_properties {
namespace {

constexpr unsigned fragment_radius = 2, macrocycle = 8;
constexpr double lowest = -4, highest = 2.5;  // of the sum before it is put on the scale of 1 to 10

// Atoms that are or may be centres of chirality.
int stereocentres(const RDKit::ROMol& molecule) {
    RDKit::ROMol copy(molecule);
    RDKit::MolOps::assignStereochemistry(copy, false, true, true);
    int count = 0;
    for (const RDKit::Atom* atom : copy.atoms())
        count += atom->hasProp(RDKit::common_properties::_CIPCode) ||
                 atom->hasProp(RDKit::common_properties::_ChiralityPossible);
    return count;
}

bool has_macrocycle(const RDKit::ROMol& molecule) {
    for (const auto& ring : molecule.getRingInfo()->atomRings())
        if (ring.size() > macrocycle) return true;
    return false;
}

double complexity(const RDKit::ROMol& molecule) {
    const double atoms = molecule.getNumAtoms();
    return std::pow(atoms, 1.005) - atoms + std::log10(stereocentres(molecule) + 1.0) +
           std::log10(RDKit::Descriptors::calcNumSpiroAtoms(molecule) + 1.0) +
           std::log10(RDKit::Descriptors::calcNumBridgeheadAtoms(molecule) + 1.0) +
           (has_macrocycle(molecule) ? std::log10(2.0) : 0);
}

double on_scale(double sum) {
    const double score = 11 - (sum - lowest + 1) / (highest - lowest) * 9;
    const double bent = score > 8 ? 8 + std::log(score - 8) : score;
    return std::clamp(bent, 1.0, 10.0);
}

class SyntheticAccessibility final : public Property {
public:
    explicit SyntheticAccessibility(const std::string& path) : scores_(path) {}
    std::string name() const override { return "synthetic_accessibility"; }

    double value(const RDKit::ROMol& molecule) const override {
        const std::unique_ptr<RDKit::SparseIntVect<std::uint32_t>> fragments(
            RDKit::MorganFingerprints::getFingerprint(molecule, fragment_radius));
        double sum = 0, count = 0;
        for (const auto& [fragment, times] : fragments->getNonzeroElements()) {
            sum += scores_[fragment] * times;
            count += times;
        }
        const double kinds = static_cast<double>(fragments->getNonzeroElements().size()),
                     atoms = molecule.getNumAtoms();
        // Symmetric molecules have few kinds of fragments and are easier to make.
        const double symmetry = atoms > kinds ? 0.5 * std::log(atoms / kinds) : 0;
        return on_scale(sum / count - complexity(molecule) + symmetry);
    }

private:
    FragmentScores scores_;
};

}  // namespace

std::shared_ptr<const Property> synthetic_accessibility(const std::string& scores) {
    return std::make_shared<SyntheticAccessibility>(scores);
}

}  // namespace molecule_properties
