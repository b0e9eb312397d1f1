#include "molecule-properties/molecule_energy.h"

namespace {

using marginalia::ParameterType;

constexpr marginalia::Parameter parameters[] = {
    {.name = "target",
     .type = ParameterType::number,
     .fallback = "4.0",
     .minimum = -100,
     .maximum = 100,
     .help = "desired log P"},
    {.name = "temperature",
     .type = ParameterType::number,
     .fallback = "1.0",
     .minimum = 1e-09,
     .maximum = 1000000000.0,
     .help = molecule_properties::temperature_help},
    molecule_properties::tokens_parameter,
    molecule_properties::alphabet_parameter,
    molecule_properties::length_parameter,
    molecule_properties::invalid_parameter,
    molecule_properties::cache_parameter,
};

constexpr const char* manual = R"(log f(x) = -(log P(x) - target)^2 / temperature. log P, the logarithm of the partition
coefficient between octanol and water, is the sum of Crippen's contributions of atoms and hydrogens by their types:
RDKit's 110 patterns, of which the first that fits an atom counts. The sum is in RDKit's order, so that values equal
RDKit's to the last bit for the same order of atoms. The paper's Table 5 has targets 4 and -4, temperatures 1 and 0.1.

A row is a molecule's tokens, padded at its end with `[nop]` among tokens of SELFIES (every row with an atom is a
molecule), or with a blank among characters of SMILES. A row that is not a molecule has log f = invalid, and no row
has less. docs/molecules.md says what a typed line may be.

References: S. A. Wildman, G. M. Crippen, Prediction of physicochemical parameters by atomic contributions, J. Chem.
Inf. Comput. Sci. 39, 868 (1999). S. Liu, P. J. Ramadge, R. P. Adams, Generative marginalization models, ICML 2024
(arXiv 2310.12920).)";

class Lipophilicity final : public molecule_properties::MoleculeEnergy {
public:
    explicit Lipophilicity(const marginalia::Params& p)
        : MoleculeEnergy(p, {{molecule_properties::lipophilicity(), p.number("target"), p.number("temperature")}}) {}
};

}  // namespace

MARGINALIA_ENERGY(Lipophilicity, "lipophilicity", "molecules of a desired octanol-water partition coefficient, log P",
                  manual, parameters);
