#include "molecule-properties/molecule_energy.h"

namespace {

using marginalia::ParameterType;

constexpr marginalia::Parameter parameters[] = {
    {.name = "target",
     .type = ParameterType::number,
     .fallback = "4.0",
     .minimum = -100,
     .maximum = 100,
     .help = "wished log P"},
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

constexpr const char* manual = R"(log f(x) = -(log P(x) - target)^2 / temperature.
log P is the sum of Crippen's contributions over atoms and hydrogens: RDKit's parameters, its types of atoms, and its order of the
sum, so that values are equal to RDKit's to the last bit for the same order of atoms. The paper's Table 5 has target 4 and -4, temperature 1
and 0.1.

A row is a molecule's tokens, padded at its end: `[nop]` among tokens of SELFIES, of which every row without padding alone is a
molecule, or a blank among characters of SMILES. A row that is no molecule has log f = invalid, and no row has less.

References: S. A. Wildman, G. M. Crippen, Prediction of physicochemical parameters by atomic contributions, J. Chem. Inf. Comput. Sci. 39,
868 (1999). S. Liu, P. J. Ramadge, R. P. Adams, Generative marginalization models, ICML 2024.)";

class Lipophilicity final : public molecule_properties::MoleculeEnergy {
public:
    explicit Lipophilicity(const marginalia::Params& p)
        : MoleculeEnergy(p, {{molecule_properties::lipophilicity(), p.number("target"), p.number("temperature")}}) {}
};

}  // namespace

MARGINALIA_ENERGY(Lipophilicity, "lipophilicity", "molecules of a wished octanol-water partition coefficient, log P",
                  manual, parameters);
