#include "molecule-properties/molecule_energy.h"

namespace {

using marginalia::ParameterType;

constexpr marginalia::Parameter parameters[] = {
    {.name = "molecule", .type = ParameterType::text, .help = "SMILES of the molecule to be similar to"},
    {.name = "target",
     .type = ParameterType::number,
     .fallback = "1.0",
     .minimum = 0,
     .maximum = 1,
     .help = "desired similarity, 0 to 1"},
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

constexpr const char* manual = R"(log f(x) = -(similarity(x, molecule) - target)^2 / temperature. The similarity is
Tanimoto's, of Morgan fingerprints of radius 2 folded to 2048 bits: the bits that both molecules have over the bits that
either has.

A row is a molecule's tokens, padded at its end with `[nop]` among tokens of SELFIES (every row with an atom is a
molecule), or with a blank among characters of SMILES. A row that is not a molecule has log f = invalid, and no row
has less. docs/molecules.md says what a typed line may be.

References: D. Rogers, M. Hahn, Extended-connectivity fingerprints, J. Chem. Inf. Model. 50, 742 (2010).)";

class Tanimoto final : public molecule_properties::MoleculeEnergy {
public:
    explicit Tanimoto(const marginalia::Params& p)
        : MoleculeEnergy(p, {{molecule_properties::similarity_to(p.text("molecule")), p.number("target"),
                              p.number("temperature")}}) {}
};

}  // namespace

MARGINALIA_ENERGY(Tanimoto, "tanimoto", "molecules of a desired similarity to a given one", manual, parameters);
