#include "molecule-properties/molecule_energy.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <DataStructs/BitOps.h>
#include <DataStructs/ExplicitBitVect.h>
#include <GraphMol/Fingerprints/MorganFingerprints.h>
#include <GraphMol/RingInfo.h>
#include <GraphMol/SmilesParse/SmilesWrite.h>

#include "molecule-properties/drawing.h"
#include "molecule-properties/rdkit_molecule.h"
#include "plugins/molecules/smiles.h"

namespace molecule_properties {
namespace {

constexpr std::size_t most_values = 16, counts = 2;  // heavy atoms, rings
constexpr double none = std::numeric_limits<double>::quiet_NaN();
constexpr unsigned print_radius = 2, print_bits = 1024;

Notation notation_of(const marginalia::Params& params) {
    return params.text("tokens") == "selfies" ? Notation::selfies : Notation::smiles;
}

bool any_needs_all(const std::vector<Target>& targets) {
    return std::any_of(targets.begin(), targets.end(),
                       [](const Target& target) { return target.property->needs_all(); });
}

}  // namespace

MoleculeEnergy::MoleculeEnergy(const marginalia::Params& params, std::vector<Target> targets)
    : Energy(params.integer("length"), TokenRows(notation_of(params), params.text("alphabet")).categories()),
      rows_(notation_of(params), params.text("alphabet")), targets_(std::move(targets)),
      invalid_(params.number("invalid")), needs_all_(any_needs_all(targets_)),
      cache_(static_cast<std::size_t>(params.integer("cache_megabytes")) << 20, targets_.size() + counts) {}

double MoleculeEnergy::log_density(marginalia::State x) const {
    double values[most_values];
    values_of(x, values);
    if (std::isnan(values[0])) return invalid_;
    double log_f = 0;
    for (std::size_t i = 0; i < targets_.size(); ++i) {
        const double miss = values[i] - targets_[i].target;
        log_f -= targets_[i].weight * miss * miss / targets_[i].temperature;
    }
    return std::max(log_f, invalid_);
}

void MoleculeEnergy::site_log_densities(marginalia::State x, std::int64_t site, std::span<double> out) const {
    if (static_cast<std::size_t>(site) < rows_.deciding(x)) return Energy::site_log_densities(x, site, out);
    std::fill(out.begin(), out.end(), 0);
}

std::vector<marginalia::Observable> MoleculeEnergy::observables() const {
    std::vector<marginalia::Observable> all = {{"valid", ""}};
    for (const Target& target : targets_)
        all.push_back({target.property->name(), target.property->unit(), target.target,
                       std::sqrt(target.temperature / (2 * target.weight))});
    all.push_back({"heavy_atoms", ""});
    all.push_back({"rings", ""});
    return all;
}

void MoleculeEnergy::observe(marginalia::State x, std::span<double> values) const {
    values_of(x, values.data() + 1);
    values[0] = !std::isnan(values[1]);
}

std::string MoleculeEnergy::identity(marginalia::State x) const {
    const auto molecule = molecule_of(x);
    if (!molecule) return "";
    perceive_all(*molecule);
    return RDKit::MolToSmiles(*molecule, false);
}

std::string MoleculeEnergy::picture(marginalia::State x) const {
    const auto molecule = molecule_of(x);
    if (!molecule) return "";
    perceive_all(*molecule);
    return drawing(*molecule);
}

double MoleculeEnergy::diversity(marginalia::States rows) const {
    std::vector<std::unique_ptr<ExplicitBitVect>> prints;
    for (std::size_t row = 0; row < rows.size(); ++row)
        if (const auto molecule = molecule_of(rows[row]))
            prints.emplace_back(
                RDKit::MorganFingerprints::getFingerprintAsBitVect(*molecule, print_radius, print_bits));
    double similar = 0;
    for (std::size_t i = 0; i < prints.size(); ++i)
        for (std::size_t j = 0; j < i; ++j) similar += TanimotoSimilarity(*prints[i], *prints[j]);
    const double pairs = static_cast<double>(prints.size()) * (static_cast<double>(prints.size()) - 1) / 2;
    return pairs > 0 ? 1 - similar / pairs : none;
}

std::unique_ptr<RDKit::RWMol> MoleculeEnergy::molecule_of(marginalia::State x) const {
    try {
        return rdkit_molecule(rows_.molecule(x));
    } catch (const molecules::MoleculeError&) {
        return nullptr;
    }
}

void MoleculeEnergy::values_of(marginalia::State x, double* values) const {
    std::fill_n(values, targets_.size() + counts, none);
    try {
        const molecules::Molecule molecule = rows_.molecule(x);
        const std::string key = molecules::write_smiles(molecule);
        if (cache_.find(key, values)) return;
        if (const auto read = rdkit_molecule(molecule)) {
            if (needs_all_) perceive_all(*read);
            compute(*read, values);
        }
        cache_.put(key, values);
    } catch (const molecules::MoleculeError&) {
    }
}

void MoleculeEnergy::compute(const RDKit::ROMol& molecule, double* values) const {
    for (std::size_t i = 0; i < targets_.size(); ++i) values[i] = targets_[i].property->value(molecule);
    values[targets_.size()] = molecule.getNumHeavyAtoms();
    values[targets_.size() + 1] = molecule.getRingInfo()->numRings();
}

}  // namespace molecule_properties
