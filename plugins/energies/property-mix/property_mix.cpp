#include "molecule-properties/molecule_energy.h"

namespace {

using marginalia::ParameterType;

constexpr marginalia::Parameter parameters[] = {
    {.name = "lipophilicity_weight",
     .type = ParameterType::number,
     .fallback = "0.0",
     .minimum = 0,
     .maximum = 1e9,
     .help = "weight of the log P; 0: left out"},
    {.name = "lipophilicity_target",
     .type = ParameterType::number,
     .fallback = "4.0",
     .minimum = -100,
     .maximum = 100,
     .help = "desired log P"},
    {.name = "qed_weight",
     .type = ParameterType::number,
     .fallback = "0.0",
     .minimum = 0,
     .maximum = 1e9,
     .help = "weight of the QED; 0: left out"},
    {.name = "qed_target",
     .type = ParameterType::number,
     .fallback = "1.0",
     .minimum = 0,
     .maximum = 1,
     .help = "desired QED"},
    {.name = "synthetic_accessibility_weight",
     .type = ParameterType::number,
     .fallback = "0.0",
     .minimum = 0,
     .maximum = 1e9,
     .help = "weight of the synthetic accessibility score; 0: left out"},
    {.name = "synthetic_accessibility_target",
     .type = ParameterType::number,
     .fallback = "2.0",
     .minimum = 1,
     .maximum = 10,
     .help = "desired synthetic accessibility score"},
    {.name = "molecular_weight_weight",
     .type = ParameterType::number,
     .fallback = "0.0",
     .minimum = 0,
     .maximum = 1e9,
     .help = "weight of the molecular weight; 0: left out"},
    {.name = "molecular_weight_target",
     .type = ParameterType::number,
     .fallback = "300.0",
     .minimum = 0,
     .maximum = 1e+06,
     .unit = "g/mol",
     .help = "desired molecular weight"},
    {.name = "similarity_weight",
     .type = ParameterType::number,
     .fallback = "0.0",
     .minimum = 0,
     .maximum = 1e9,
     .help = "weight of the similarity to the molecule; 0: left out"},
    {.name = "similarity_target",
     .type = ParameterType::number,
     .fallback = "1.0",
     .minimum = 0,
     .maximum = 1,
     .help = "desired similarity to the molecule"},
    {.name = "temperature",
     .type = ParameterType::number,
     .fallback = "1.0",
     .minimum = 1e-09,
     .maximum = 1000000000.0,
     .help = "common divisor of the squares"},
    {.name = "molecule",
     .type = ParameterType::text,
     .fallback = "\"\"",
     .help = "SMILES to be similar to, where similarity has a weight"},
    {.name = "fragment_scores",
     .type = ParameterType::path,
     .fallback = "\"\"",
     .help = "as in synthetic-accessibility"},
    molecule_properties::tokens_parameter,
    molecule_properties::alphabet_parameter,
    molecule_properties::length_parameter,
    molecule_properties::invalid_parameter,
    molecule_properties::cache_parameter,
};

constexpr const char* manual = R"(log f(x) = -sum over properties weight (property(x) - target)^2 / temperature. The
properties are those of the energies lipophilicity, qed, synthetic-accessibility, molecular-weight and tanimoto; one
with weight 0 is left out and costs nothing. To make them comparable, give each the weight 1 / (desired tolerance)^2.

A row is a molecule's tokens, padded at its end with `[nop]` among tokens of SELFIES (every row with an atom is a
molecule), or with a blank among characters of SMILES. A row that is not a molecule has log f = invalid, and no row
has less. docs/molecules.md says what a typed line may be.

References: See the pages of the single properties.)";

using molecule_properties::Property;
using molecule_properties::Target;

std::vector<Target> targets_of(const marginalia::Params& p) {
    std::vector<Target> targets;
    const auto add = [&](const std::string& name, auto make) {
        const double weight = p.number(name + "_weight");
        if (weight > 0) targets.push_back({make(), p.number(name + "_target"), p.number("temperature"), weight});
    };
    add("lipophilicity", [] { return molecule_properties::lipophilicity(); });
    add("qed", [] { return molecule_properties::qed(); });
    add("synthetic_accessibility",
        [&] { return molecule_properties::synthetic_accessibility(p.text("fragment_scores")); });
    add("molecular_weight", [] { return molecule_properties::molecular_weight(); });
    add("similarity", [&] { return molecule_properties::similarity_to(p.text("molecule")); });
    if (targets.empty())
        throw marginalia::Error(
            "no property has a weight; give lipophilicity_weight, qed_weight or another one more than 0");
    return targets;
}

class PropertyMix final : public molecule_properties::MoleculeEnergy {
public:
    explicit PropertyMix(const marginalia::Params& p) : MoleculeEnergy(p, targets_of(p)) {}
};

}  // namespace

MARGINALIA_ENERGY(PropertyMix, "property-mix", "molecules with desired values of several properties", manual,
                  parameters);
