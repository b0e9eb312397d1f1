#include "molecule-properties/molecule_energy.h"

namespace {

using marginalia::ParameterType;

constexpr marginalia::Parameter parameters[] = {
    {.name = "target",
     .type = ParameterType::number,
     .fallback = "300.0",
     .minimum = 0,
     .maximum = 1000000.0,
     .unit = "g/mol",
     .help = "desired molecular weight"},
    {.name = "temperature",
     .type = ParameterType::number,
     .fallback = "1000.0",
     .minimum = 1e-09,
     .maximum = 1000000000000.0,
     .help = molecule_properties::temperature_help},
    molecule_properties::tokens_parameter,
    molecule_properties::alphabet_parameter,
    molecule_properties::length_parameter,
    molecule_properties::invalid_parameter,
    molecule_properties::cache_parameter,
};

constexpr const char* manual = R"(log f(x) = -(weight(x) - target)^2 / temperature. The weight is the sum of the
elements' standard atomic weights in g/mol, hydrogens included.

A row is a molecule's tokens, padded at its end with `[nop]` among tokens of SELFIES (every row with an atom is a
molecule), or with a blank among characters of SMILES. A row that is not a molecule has log f = invalid, and no row
has less. docs/molecules.md says what a typed line may be.

References: RDKit's table of atomic weights.)";

class MolecularWeight final : public molecule_properties::MoleculeEnergy {
public:
    explicit MolecularWeight(const marginalia::Params& p)
        : MoleculeEnergy(p, {{molecule_properties::molecular_weight(), p.number("target"), p.number("temperature")}}) {}
};

}  // namespace

MARGINALIA_ENERGY(MolecularWeight, "molecular-weight", "molecules of a desired weight", manual, parameters);
