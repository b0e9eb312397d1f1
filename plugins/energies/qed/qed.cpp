#include "molecule-properties/molecule_energy.h"

namespace {

using marginalia::ParameterType;

constexpr marginalia::Parameter parameters[] = {
    {.name = "target",
     .type = ParameterType::number,
     .fallback = "1.0",
     .minimum = 0,
     .maximum = 1,
     .help = "desired QED, 0 to 1"},
    {.name = "temperature",
     .type = ParameterType::number,
     .fallback = "0.01",
     .minimum = 1e-09,
     .maximum = 1000000000.0,
     .help = molecule_properties::temperature_help},
    molecule_properties::tokens_parameter,
    molecule_properties::alphabet_parameter,
    molecule_properties::length_parameter,
    molecule_properties::invalid_parameter,
    molecule_properties::cache_parameter,
};

constexpr const char* manual = R"(log f(x) = -(QED(x) - target)^2 / temperature. QED is the weighted geometric mean of
eight desirabilities: of molecular weight, log P, hydrogen bond acceptors and donors, polar surface, rotatable bonds,
aromatic rings and unwanted groups. Definitions, curves and mean weights are those of RDKit's Python module.

A row is a molecule's tokens, padded at its end with `[nop]` among tokens of SELFIES (every row with an atom is a
molecule), or with a blank among characters of SMILES. A row that is not a molecule has log f = invalid, and no row
has less. docs/molecules.md says what a typed line may be.

References: G. R. Bickerton et al., Quantifying the chemical beauty of drugs, Nature Chemistry 4, 90 (2012). R. Brenk et
al., ChemMedChem 3, 435 (2008) (unwanted groups).)";

class Qed final : public molecule_properties::MoleculeEnergy {
public:
    explicit Qed(const marginalia::Params& p)
        : MoleculeEnergy(p, {{molecule_properties::qed(), p.number("target"), p.number("temperature")}}) {}
};

}  // namespace

MARGINALIA_ENERGY(Qed, "qed", "drug-like molecules: the quantitative estimate of drug-likeness", manual, parameters);
