#include "molecule-properties/molecule_energy.h"

namespace {

using marginalia::ParameterType;

constexpr marginalia::Parameter parameters[] = {
    {.name = "target",
     .type = ParameterType::number,
     .fallback = "2.0",
     .minimum = 1,
     .maximum = 10,
     .help = "desired score, 1 (easy) to 10"},
    {.name = "temperature",
     .type = ParameterType::number,
     .fallback = "1.0",
     .minimum = 1e-09,
     .maximum = 1000000000.0,
     .help = molecule_properties::temperature_help},
    {.name = "fragment_scores",
     .type = ParameterType::path,
     .fallback = "\"\"",
     .help = "RDKit's fpscores.pkl.gz, or lines of a fragment, a tab and its score; empty: Debian's"},
    molecule_properties::tokens_parameter,
    molecule_properties::alphabet_parameter,
    molecule_properties::length_parameter,
    molecule_properties::invalid_parameter,
    molecule_properties::cache_parameter,
};

constexpr const char* manual = R"(log f(x) = -(SA(x) - target)^2 / temperature. SA is the mean score of a molecule's
Morgan fragments of radius 2, by how often they occur in PubChem, less penalties for size, stereocentres, spiro and
bridgehead atoms and macrocycles; 1 is easy, 10 hard. The scores of fragments come with RDKit (Debian: rdkit-data).

A row is a molecule's tokens, padded at its end with `[nop]` among tokens of SELFIES (every row with an atom is a
molecule), or with a blank among characters of SMILES. A row that is not a molecule has log f = invalid, and no row
has less. docs/molecules.md says what a typed line may be.

References: P. Ertl, A. Schuffenhauer, Estimation of synthetic accessibility score of drug-like molecules, J.
Cheminform. 1, 8 (2009).)";

class SyntheticAccessibility final : public molecule_properties::MoleculeEnergy {
public:
    explicit SyntheticAccessibility(const marginalia::Params& p)
        : MoleculeEnergy(p, {{molecule_properties::synthetic_accessibility(p.text("fragment_scores")),
                              p.number("target"), p.number("temperature")}}) {}
};

}  // namespace

MARGINALIA_ENERGY(SyntheticAccessibility, "synthetic-accessibility",
                  "molecules of a desired synthetic accessibility score: how easy they are to make", manual,
                  parameters);
