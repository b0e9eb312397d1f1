// Molecules as rows of tokens.
#include <marginalia/dataset.h>

#include <algorithm>
#include <utility>

#include "../data_files.h"
#include "molecule_file.h"
#include "molecule_observables.h"
#include "plugins/molecules/fragment.h"

namespace {

using marginalia::Error;
using marginalia::MoleculeFile;
using marginalia::Parameter;
using marginalia::ParameterType;
using marginalia::Split;
using marginalia::Tokens;

constexpr Parameter parameters[] = {
    {.name = "tokens",
     .type = ParameterType::text,
     .fallback = "\"smiles\"",
     .choices = "smiles|selfies",
     .help = "smiles: each character of a SMILES; selfies: each [word] of a SELFIES, which the files must hold"},
    {.name = "folder",
     .type = ParameterType::path,
     .fallback = "\"\"",
     .help = "where train.csv and test.csv are; empty: the cache that `marginalia data get` fills"},
    {.name = "length",
     .type = ParameterType::integer,
     .fallback = "0",
     .minimum = 0,
     .maximum = 1e6,
     .unit = "tokens",
     .help = "D, to which rows are padded; 0: the longest molecule of both files"},
};

constexpr const char* manual = R"(Molecules of MOSES, the drug-like part of ZINC on which generative models of molecules
are compared (`marginalia data get moses`): 1,584,663 in `train.csv` and 176,074 in `test.csv`. The first nine tenths of
`train.csv`, in file order, are for training and the rest for validation. Other files of the same names serve as well.
What stands on a line before the first comma, blank or tab is read; a first line `SMILES` or `SELFIES` is a header.

A row is a molecule's tokens, padded at its end with symbol 0: a blank among SMILES characters, `[nop]` among SELFIES
tokens. The other symbols are the tokens of the training rows, sorted by bytes, so that the vocabulary comes from the
training split alone; it is stored with the trial. For MOSES, K = 27; D = 57 as SMILES and 55 as SELFIES (selfies 2).
With `tokens = "selfies"` both files must hold SELFIES, which `marginalia-selfies encode` makes from SMILES: nothing is
translated here.

Errors name the file, line and column: characters that are not SMILES; brackets, branches and ring bonds that do not
close; SMILES where SELFIES are expected. Chemistry is not checked. A molecule for validation or the test that has a
token no training row has, or that is longer than `length`, is an error too, which names the first and counts them:
leaving such rows out would flatter the likelihood. MOSES has none.

Samples are compared with the test split by `valid` (1 where brackets, branches and ring bonds close, aromatic atoms lie
in rings and kekulize, and no atom has more bonds than SELFIES' default constraints allow; else 0) and, over valid rows,
by `heavy_atoms`, `rings` (independent cycles), `heteroatoms`, `rotatable_bonds` (outside rings, between two heavy atoms
that each have another), `molecular_weight` and, for SMILES, `aromatic_atoms`.

Two rows are the same molecule where their SMILES (for SELFIES, the decoded ones) are equal; they are not made
canonical. A line typed for a row may leave out the padding at its end. With SELFIES it may also be a SMILES, followed
by the atoms to keep (docs/molecules.md, From a fragment). Molecules are kept in memory, one byte a token: 80 MB for
MOSES.

References: Polykovskiy et al., Molecular Sets (MOSES): a benchmarking platform for molecular generation models, Front.
Pharmacol. 11 (2020). Weininger, SMILES, a chemical language and information system, J. Chem. Inf. Comput. Sci. 28
(1988). Krenn et al., Self-referencing embedded strings (SELFIES), Mach. Learn.: Sci. Technol. 1 (2020).)";

std::size_t training_rows(const MoleculeFile& train) { return train.size() - train.size() / 10; }

// Numbered tokens to symbols.
struct Vocabulary {
    std::vector<std::string> words;                        // of each symbol; the padding first
    std::vector<int> symbols = std::vector<int>(256, -1);  // of each number; -1: in no training row
};

Vocabulary vocabulary_of(const MoleculeFile& train, const std::vector<std::string>& tokens,
                         const std::string& padding) {
    std::vector<bool> used(tokens.size());
    const auto in_training = std::span(train.numbers).first(train.ends[training_rows(train)]);
    for (const std::uint8_t number : in_training) used[number] = true;
    std::vector<std::pair<std::string, std::size_t>> sorted;
    for (std::size_t number = 0; number < tokens.size(); ++number)
        if (used[number] && tokens[number] != padding) sorted.emplace_back(tokens[number], number);
    std::sort(sorted.begin(), sorted.end());
    if (sorted.size() + 1 > 255)
        throw Error(train.path + ": the training rows have 255 different tokens; 254 and the padding are the most");
    Vocabulary vocabulary{{padding}};
    for (const auto& [word, number] : sorted) {
        vocabulary.symbols[number] = static_cast<int>(vocabulary.words.size());
        vocabulary.words.push_back(word);
    }
    for (std::size_t number = 0; number < tokens.size(); ++number)  // padding that a file writes out
        if (tokens[number] == padding) vocabulary.symbols[number] = 0;
    return vocabulary;
}

void to_symbols(MoleculeFile& file, const Vocabulary& vocabulary, const std::vector<std::string>& tokens) {
    const auto is_unknown = [&](std::uint8_t number) { return vocabulary.symbols[number] < 0; };
    std::size_t unknown = 0, first = 0;
    for (std::size_t i = file.size(); i-- > 0;)
        if (std::any_of(file[i].begin(), file[i].end(), is_unknown)) ++unknown, first = i;
    if (unknown > 0) {
        std::size_t column = 1;
        const std::uint8_t* at = file[first].data();
        for (; !is_unknown(*at); ++at) column += tokens[*at].size();
        throw Error(file.place(first) + std::to_string(column) + ": the token " + tokens[*at] +
                    " is in no training row, so that no model gives it a probability (" + std::to_string(unknown) +
                    " of " + std::to_string(file.size()) + " molecules have such tokens); take them out of the file");
    }
    for (std::uint8_t& number : file.numbers) number = static_cast<std::uint8_t>(vocabulary.symbols[number]);
}

std::size_t longest(const MoleculeFile& file) {
    std::size_t most = 0;
    for (std::size_t i = 0; i < file.size(); ++i) most = std::max(most, file[i].size());
    return most;
}

void check_lengths(const MoleculeFile& file, std::size_t length) {
    std::size_t too_long = 0, first = 0;
    for (std::size_t i = file.size(); i-- > 0;)
        if (file[i].size() > length) ++too_long, first = i;
    if (too_long > 0)
        throw Error(file.place(first) + "1: this molecule has " + std::to_string(file[first].size()) +
                    " tokens and length = " + std::to_string(length) + " (" + std::to_string(too_long) + " of " +
                    std::to_string(file.size()) + " are too long); give at least " + std::to_string(longest(file)) +
                    ", or 0");
}

struct Contents {
    MoleculeFile train, test;
    std::vector<std::string> words;
    std::size_t length = 0;
};

Contents read_contents(const marginalia::Params& p) {
    const Tokens tokens = p.text("tokens") == "selfies" ? Tokens::selfies : Tokens::smiles;
    const std::string folder = marginalia::data_folder(p.text("folder"), "moses");
    marginalia::TokenNumbers known;
    Contents contents{marginalia::read_molecules(folder + "/train.csv", tokens, known),
                      marginalia::read_molecules(folder + "/test.csv", tokens, known),
                      {},
                      static_cast<std::size_t>(p.integer("length"))};
    if (p.text("folder").empty()) {
        marginalia::check_length(contents.train.path, contents.train.size(), 1'584'663, "molecules", "moses");
        marginalia::check_length(contents.test.path, contents.test.size(), 176'074, "molecules", "moses");
    }
    Vocabulary vocabulary = vocabulary_of(contents.train, known.words(), tokens == Tokens::selfies ? "[nop]" : " ");
    for (MoleculeFile* file : {&contents.train, &contents.test}) {
        to_symbols(*file, vocabulary, known.words());
        if (p.integer("length") == 0) contents.length = std::max(contents.length, longest(*file));
    }
    for (const MoleculeFile* file : {&contents.train, &contents.test}) check_lengths(*file, contents.length);
    contents.words = std::move(vocabulary.words);
    return contents;
}

Contents no_molecules(const marginalia::Params& p, const marginalia::RowDescription& described) {
    const std::string padding = p.text("tokens") == "selfies" ? "[nop]" : " ";
    if (described.vocabulary.empty() || described.vocabulary[0] != padding)
        throw Error("the checkpoint's states are not molecules with tokens = \"" + p.text("tokens") +
                    "\"; its dataset was another one");
    return {{}, {}, described.vocabulary, static_cast<std::size_t>(described.sites)};
}

class Moses final : public marginalia::Dataset {
public:
    explicit Moses(const marginalia::Params& p) : Moses(read_contents(p)) {}
    Moses(const marginalia::Params& p, const marginalia::RowDescription& described)
        : Moses(no_molecules(p, described)) {}

    std::size_t size(Split split) const override {
        const std::size_t train = training_rows(contents_.train);
        return split == Split::train        ? train
               : split == Split::validation ? contents_.train.size() - train
                                            : contents_.test.size();
    }

    void row(Split split, std::size_t index, std::span<std::uint8_t> out) const override {
        if (index >= size(split))
            throw Error("there is no row " + std::to_string(index) + "; the split has " + std::to_string(size(split)));
        const auto molecule = split == Split::test         ? contents_.test[index]
                              : split == Split::validation ? contents_.train[training_rows(contents_.train) + index]
                                                           : contents_.train[index];
        std::fill(std::copy(molecule.begin(), molecule.end(), out.begin()), out.end(), std::uint8_t{0});
    }

    std::vector<std::string> vocabulary() const override { return contents_.words; }

    std::vector<marginalia::Observable> observables() const override { return molecules_.list(); }
    void observe(marginalia::State x, std::span<double> values) const override { molecules_.observe(x, values); }

    // Without the commas that would else divide words as long as [C], and without the padding at the end.
    std::string text(marginalia::State x) const override {
        const std::size_t width = x.size();
        while (x.size() > 1 && x.back() == 0) x = x.first(x.size() - 1);
        std::string line;
        for (const std::uint8_t symbol : x) line += symbol < contents_.words.size() ? contents_.words[symbol] : "□";
        // What could be taken for a list of atoms shows that it is a whole row.
        if (!is_selfies() && marginalia::molecules::ends_in_atom_list(line))
            line.resize(line.size() + width - x.size(), ' ');
        return line;
    }

    std::string identity(marginalia::State x) const override { return molecules_.smiles(x); }

    bool keeps(std::string_view line, marginalia::State x) const override {
        return !is_smiles_for_selfies(line) || marginalia::molecules::Fragment(line).is_in(molecules_.tokens(x));
    }

    // A molecule's SMILES behind its row and a tab is left out.
    void parse(std::string_view line, std::span<std::uint8_t> out) const override {
        if (is_smiles_for_selfies(line)) return parse_smiles(line, out);
        marginalia::molecules::check_behind_tab(line);
        line = line.substr(0, line.find('\t'));
        if (marginalia::molecules::ends_in_atom_list(line) && (is_selfies() || symbols_in(line) < out.size()))
            throw Error(is_selfies() ? "a list of atoms stands behind a SMILES alone; of a row of tokens all are kept, "
                                       "and □ stands for those to be drawn"
                                     : "a list of atoms to keep needs tokens = \"selfies\"; write □ for the characters "
                                       "that are unknown");
        std::string padded(line);
        const std::string_view end = line.substr(0, line.find_last_not_of(' ') + 1);
        const bool is_open = end.ends_with("…") || end.ends_with("...");  // what follows is unknown, not padding
        if (!line.empty() && !is_open)
            for (std::size_t found = symbols_in(line); found < out.size(); ++found) padded += contents_.words[0];
        marginalia::parse_state(padded, categories(), contents_.words, out);
    }

private:
    explicit Moses(Contents contents)
        : Dataset(static_cast<std::int64_t>(contents.length), static_cast<std::int64_t>(contents.words.size())),
          contents_(std::move(contents)),
          molecules_(contents_.words[0] == " " ? Tokens::smiles : Tokens::selfies, contents_.words) {}

    bool is_selfies() const { return contents_.words[0] != " "; }

    bool is_smiles_for_selfies(std::string_view line) const {
        const std::size_t begin = line.find_first_not_of(" \t,");
        return is_selfies() && begin < line.size() && !marginalia::molecules::begins_with_tokens(line.substr(begin));
    }

    // Of a SMILES all, or the atoms that are listed behind it; see molecules::Fragment.
    void parse_smiles(std::string_view line, std::span<std::uint8_t> out) const {
        const marginalia::molecules::Fragment fragment(line);
        std::vector<std::uint8_t> symbols = fragment.symbols(contents_.words);
        if (symbols.size() > out.size())
            throw Error("it has " + std::to_string(symbols.size()) + " tokens where a row has " +
                        std::to_string(out.size()));
        symbols.resize(out.size(), fragment.whole() ? std::uint8_t{0} : static_cast<std::uint8_t>(categories()));
        std::copy(symbols.begin(), symbols.end(), out.begin());
    }

    // How many symbols a line has, unless something in it is none.
    std::size_t symbols_in(std::string_view line) const {
        const bool selfies = is_selfies();
        std::size_t count = 0;
        bool in_word = false;
        for (const char c : line) {
            count += selfies ? !in_word && (c == '[' || c == '_' || c == '.' || c == '\xE2')  // the first byte of □
                             : (c & 0xC0) != 0x80 && c != ',' && c != '\t';
            in_word = selfies && (c == '[' || (in_word && c != ']'));
        }
        return count;
    }

    const Contents contents_;
    const marginalia::MoleculeObservables molecules_;
};

}  // namespace

MARGINALIA_DATASET(Moses, "moses", "molecules as SMILES characters or SELFIES tokens", manual, parameters);
