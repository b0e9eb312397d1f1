#include "molecule_observables.h"

#include <algorithm>
#include <limits>

#include "plugins/molecules/properties.h"
#include "plugins/molecules/smiles.h"

namespace marginalia {

using molecules::Molecule;

MoleculeObservables::MoleculeObservables(Tokens tokens, const std::vector<std::string>& words)
    : tokens_(tokens), words_(words) {
    if (tokens_ == Tokens::selfies)
        for (const std::string& word : words_) selfies_.push_back(molecules::read_token(word));
}

std::vector<Observable> MoleculeObservables::list() const {
    std::vector<Observable> all = {{"valid", ""},       {"heavy_atoms", ""},     {"rings", ""},
                                   {"heteroatoms", ""}, {"rotatable_bonds", ""}, {"molecular_weight", "g/mol"}};
    if (tokens_ == Tokens::smiles) all.push_back({"aromatic_atoms", ""});
    return all;
}

void MoleculeObservables::observe(State row, std::span<double> values) const {
    std::fill(values.begin(), values.end(), std::numeric_limits<double>::quiet_NaN());
    try {
        observe_molecule(row, values);
    } catch (const molecules::MoleculeError&) {
        values[0] = 0;
    }
}

std::string MoleculeObservables::smiles(State row) const {
    try {
        double aromatic_atoms = 0;
        const Molecule found = molecule(row, aromatic_atoms);
        if (tokens_ == Tokens::selfies) return molecules::write_smiles(found);
    } catch (const molecules::MoleculeError&) {
        return "";
    }
    std::string text;
    for (const std::uint8_t symbol : row) text += words_[symbol];
    while (text.ends_with(words_[0])) text.pop_back();
    return text;
}

void MoleculeObservables::observe_molecule(State row, std::span<double> values) const {
    double aromatic_atoms = 0;
    const molecules::Properties found = molecules::properties_of(molecule(row, aromatic_atoms));
    const double all[] = {1,
                          static_cast<double>(found.heavy_atoms),
                          static_cast<double>(found.rings),
                          static_cast<double>(found.heteroatoms),
                          static_cast<double>(found.rotatable_bonds),
                          found.weight,
                          aromatic_atoms};
    std::copy_n(all, values.size(), values.begin());
}

std::vector<molecules::Token> MoleculeObservables::tokens(State row) const {
    std::vector<molecules::Token> tokens;
    tokens.reserve(row.size());
    for (const std::uint8_t symbol : row) tokens.push_back(selfies_[symbol]);
    return tokens;
}

Molecule MoleculeObservables::molecule(State row, double& aromatic_atoms) const {
    if (tokens_ == Tokens::selfies) {
        Molecule decoded = molecules::decode_tokens(tokens(row));
        if (decoded.size() == 0) throw molecules::MoleculeError(0, "there is no molecule");
        return decoded;
    }
    std::string text;
    for (const std::uint8_t symbol : row) text += words_[symbol];
    while (text.ends_with(words_[0])) text.pop_back();
    Molecule read = molecules::parse_smiles(text);
    for (std::int32_t atom = 0; atom < read.size(); ++atom) aromatic_atoms += read.atom(atom).aromatic;
    molecules::check_molecule(read);
    return read;
}

}  // namespace marginalia
