#include <cmath>
#include <span>

#include <GraphMol/ChemTransforms/ChemTransforms.h>
#include <GraphMol/Descriptors/MolDescriptors.h>
#include <GraphMol/GraphMol.h>
#include <GraphMol/MolOps.h>
#include <GraphMol/SmilesParse/SmilesParse.h>
#include <GraphMol/Substruct/SubstructMatch.h>

#include "molecule-properties/property.h"
#include "molecule-properties/qed_tables.h"

namespace molecule_properties {
namespace {

using Patterns = std::vector<std::unique_ptr<const RDKit::ROMol>>;

Patterns read(std::span<const char* const> all) {
    Patterns patterns;
    for (const char* smarts : all) patterns.emplace_back(RDKit::SmartsToMol(smarts));
    return patterns;
}

double desirability(double x, const Desirability& d) {
    const double rising = 1 + std::exp(-(x - d.middle + d.width / 2) / d.rise);
    const double falling = 1 + std::exp(-(x - d.middle - d.width / 2) / d.fall);
    return (d.base + d.height / rising * (1 - 1 / falling)) / d.most;
}

class Qed final : public Property {
public:
    Qed()
        : acceptors_(read(acceptors)), alerts_(read(alerts)), aliphatic_(RDKit::SmartsToMol("[$([A;R][!a])]")),
          log_p_(lipophilicity()) {}

    std::string name() const override { return "qed"; }

    double value(const RDKit::ROMol& molecule) const override {
        using namespace RDKit::Descriptors;
        const double parts[] = {calcAMW(molecule),
                                log_p_->value(molecule),
                                count_acceptors(molecule),
                                static_cast<double>(calcNumHBD(molecule)),
                                calcTPSA(molecule),
                                static_cast<double>(calcNumRotatableBonds(molecule, NumRotatableBondsOptions::Strict)),
                                aromatic_rings(molecule),
                                count_alerts(molecule)};
        double sum = 0, weights = 0;
        for (std::size_t i = 0; i < desirabilities.size(); ++i) {
            sum += desirabilities[i].weight * std::log(desirability(parts[i], desirabilities[i]));
            weights += desirabilities[i].weight;
        }
        return std::exp(sum / weights);
    }

private:
    double count_acceptors(const RDKit::ROMol& molecule) const {
        std::size_t count = 0;
        std::vector<RDKit::MatchVectType> matches;
        for (const auto& pattern : acceptors_) count += RDKit::SubstructMatch(molecule, *pattern, matches);
        return static_cast<double>(count);
    }

    double count_alerts(const RDKit::ROMol& molecule) const {
        int count = 0;
        RDKit::MatchVectType match;
        for (const auto& pattern : alerts_) count += RDKit::SubstructMatch(molecule, *pattern, match);
        return count;
    }

    // Rings that are left when atoms of aliphatic rings are taken out.
    double aromatic_rings(const RDKit::ROMol& molecule) const {
        const std::unique_ptr<RDKit::ROMol> rest(RDKit::deleteSubstructs(molecule, *aliphatic_));
        return RDKit::MolOps::findSSSR(*rest);
    }

    Patterns acceptors_, alerts_;
    std::unique_ptr<const RDKit::ROMol> aliphatic_;
    std::shared_ptr<const Property> log_p_;
};

}  // namespace

std::shared_ptr<const Property> qed() { return std::make_shared<Qed>(); }

}  // namespace molecule_properties
