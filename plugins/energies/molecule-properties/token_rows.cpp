#include "molecule-properties/token_rows.h"

#include <marginalia/characters.h>
#include <marginalia/error.h>
#include <marginalia/lists.h>

#include <algorithm>

#include "plugins/molecules/fragment.h"
#include "plugins/molecules/properties.h"
#include "plugins/molecules/smiles.h"

namespace molecule_properties {
namespace {

using marginalia::Error;
using molecules::Token;

constexpr const char* moses_selfies =
    "[#Branch1][#Branch2][#C][#N][=Branch1][=Branch2][=C][=N][=O][=Ring1][=Ring2][=S][Br][Branch1][Branch2][C][Cl][F]"
    "[H][NH1][N][O][P][Ring1][Ring2][S]";
constexpr const char* moses_smiles = "#()-123456=BCFHNOS[]clnors";
constexpr std::string_view box = "□", dots = "…", three_dots = "...";

std::vector<std::string> words_of(Notation notation, const std::string& alphabet) {
    const std::string text = alphabet != "moses"             ? alphabet
                             : notation == Notation::selfies ? moses_selfies
                                                             : moses_smiles;
    std::vector<std::string> words = {notation == Notation::selfies ? "[nop]" : " "};
    const auto add = [&](std::string word) {
        if (word == words[0]) return;
        if (std::find(words.begin(), words.end(), word) != words.end())
            throw Error("the alphabet has '" + word + "' twice");
        words.push_back(std::move(word));
    };
    if (notation == Notation::smiles)
        for (const char& c : text) {
            const bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
            if (!letter && std::string_view(" ()[]=#$:/\\%.@+-*~0123456789").find(c) == std::string_view::npos)
                throw Error("the alphabet has " +
                            marginalia::quoted_character(std::string_view(&c, text.data() + text.size())) +
                            ", which is not a character of a SMILES; write the characters one after another");
            add(std::string(1, c));
        }
    else
        for (const std::string_view word : molecules::split(text)) {
            if (molecules::read_token(word).kind == Token::Kind::unknown)
                throw Error("the alphabet's '" + std::string(word) + "' " + molecules::token_fault(word));
            add(std::string(word));
        }
    if (words.size() > 255) throw Error("the alphabet has more than 254 tokens");
    if (words.size() < 2) throw Error("the alphabet is empty; give at least one token");
    return words;
}

}  // namespace

TokenRows::TokenRows(Notation notation, const std::string& alphabet)
    : notation_(notation), words_(words_of(notation, alphabet)) {
    if (notation_ == Notation::selfies)
        for (const std::string& word : words_) tokens_.push_back(molecules::read_token(word));
}

molecules::Molecule TokenRows::molecule(marginalia::State row) const {
    if (notation_ == Notation::selfies) {
        molecules::Molecule decoded = molecules::decode_tokens(tokens_of(row));
        if (decoded.size() == 0) throw molecules::MoleculeError(0, "there is no atom");
        return decoded;
    }
    molecules::Molecule read = molecules::parse_smiles(text(row));
    molecules::check_molecule(read);
    return read;
}

std::vector<Token> TokenRows::tokens_of(marginalia::State row) const {
    std::vector<Token> tokens;
    tokens.reserve(row.size());
    for (const std::uint8_t symbol : row) tokens.push_back(tokens_[symbol]);
    return tokens;
}

std::size_t TokenRows::deciding(marginalia::State row) const {
    std::size_t read = row.size();
    if (notation_ == Notation::selfies && symbol_of(".") < 0)
        molecules::decode_tokens(tokens_of(row), molecules::default_constraints(), &read);
    return read;
}

std::string TokenRows::text(marginalia::State row) const {
    const std::size_t width = row.size();
    while (!row.empty() && row.back() == 0) row = row.first(row.size() - 1);
    const std::size_t padding = width - row.size();
    std::string line;
    for (const std::uint8_t symbol : row) line += symbol == unknown() ? std::string(box) : words_[symbol];
    // A row of padding alone has no text, and an empty line is none. What could be taken for a list of atoms shows that
    // it is a whole row.
    if (notation_ == Notation::smiles && molecules::ends_in_atom_list(line)) line.resize(line.size() + padding, ' ');
    return line.empty() ? words_[0] : line;
}

int TokenRows::symbol_of(std::string_view word) const {
    const auto found = std::find(words_.begin(), words_.end(), word);
    return found == words_.end() ? -1 : static_cast<int>(found - words_.begin());
}

void TokenRows::put(std::vector<std::uint8_t> symbols, std::uint8_t rest, std::span<std::uint8_t> row) const {
    if (symbols.size() > row.size())
        throw Error("it has " + std::to_string(symbols.size()) + " tokens where a row has " +
                    std::to_string(row.size()));
    symbols.resize(row.size(), rest);
    std::copy(symbols.begin(), symbols.end(), row.begin());
}

void TokenRows::parse(std::string_view line, std::span<std::uint8_t> row) const {
    if (marginalia::trim_blanks(line).empty() && line.find(words_[0]) != 0)  // blanks are padding among characters
        throw Error("there is nothing in it; write … for a row of which nothing is known");
    if (notation_ == Notation::selfies) line = marginalia::trim_blanks(line);
    if (is_smiles(line)) return parse_smiles(line, row);
    molecules::check_behind_tab(line);
    line = line.substr(0, line.find('\t'));
    if (notation_ == Notation::selfies) line = marginalia::trim_blanks(line);
    parse_tokens(line, row);
}

// Characters of SMILES are themselves the tokens.
bool TokenRows::is_smiles(std::string_view line) const {
    return notation_ == Notation::selfies && !molecules::begins_with_tokens(line);
}

void TokenRows::parse_tokens(std::string_view line, std::span<std::uint8_t> row) const {
    std::vector<std::uint8_t> symbols;
    std::uint8_t rest = 0;
    const bool has_list = molecules::ends_in_atom_list(line);
    for (; !line.empty(); line = notation_ == Notation::selfies ? marginalia::trim_blanks(line) : line) {
        if (marginalia::trim_blanks(line) == dots || marginalia::trim_blanks(line) == three_dots) {
            rest = unknown();
            break;
        }
        const std::size_t close = line.find(']');
        std::size_t length = notation_ == Notation::smiles || line[0] != '[' ? 1 : std::min(close, line.size() - 1) + 1;
        int symbol = symbol_of(line.substr(0, length));
        if (line.starts_with(box)) symbol = unknown(), length = box.size();
        if (line[0] == '_') symbol = unknown();
        if (symbol < 0 && has_list) refuse_list();
        if (symbol < 0)
            throw Error(
                "token " + std::to_string(symbols.size() + 1) + " is " +
                (length > 1 ? "'" + std::string(line.substr(0, length)) + "'" : marginalia::quoted_character(line)) +
                ", which is not in the alphabet; it is one of " + marginalia::symbols_text(categories(), words_) +
                ", or … at the end for all that follows");
        symbols.push_back(static_cast<std::uint8_t>(symbol));
        line.remove_prefix(length);
    }
    if (has_list && symbols.size() < row.size()) refuse_list();
    put(std::move(symbols), rest, row);
}

void TokenRows::refuse_list() const {
    if (notation_ == Notation::smiles)
        throw Error("a list of atoms to keep needs tokens = \"selfies\"; write □ for the characters that are unknown");
    throw Error(
        "a list of atoms stands behind a SMILES alone; of a row of tokens all are kept, and □ stands for those to be "
        "drawn");
}

void TokenRows::parse_smiles(std::string_view line, std::span<std::uint8_t> row) const {
    for (const std::string_view sign : {box, std::string_view("_"), dots, three_dots})
        if (line.find(sign) != line.npos)
            throw Error("'" + std::string(sign) +
                        "', an unknown token, stands in what is not a row of [tokens]; of a SMILES, name the atoms "
                        "to keep behind it: 'c1ccccc1O 1-6'");
    const molecules::Fragment fragment(line);
    put(fragment.symbols(words_), fragment.whole() ? std::uint8_t{0} : unknown(), row);
}

bool TokenRows::keeps(std::string_view line, marginalia::State row) const {
    line = notation_ == Notation::selfies ? marginalia::trim_blanks(line) : line;
    if (!is_smiles(line)) return true;
    return molecules::Fragment(line).is_in(tokens_of(row));
}

}  // namespace molecule_properties
