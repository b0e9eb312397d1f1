#include "molecule-properties/token_rows.h"

#include <marginalia/error.h>

#include <algorithm>
#include <charconv>

#include "molecules/properties.h"
#include "molecules/smiles.h"

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
    const std::string text = alphabet != "moses"               ? alphabet
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
        for (const char c : text) add(std::string(1, c));
    else
        for (const std::string_view word : molecules::split(text)) {
            if (molecules::read_token(word).kind == Token::Kind::unknown)
                throw Error("the alphabet's '" + std::string(word) + "' is no token of SELFIES");
            add(std::string(word));
        }
    if (words.size() > 255) throw Error("the alphabet has more than 254 tokens");
    if (words.size() < 2) throw Error("the alphabet is empty; give at least one token");
    return words;
}

// Numbers from a list such as "1-6,9" into marks of atoms.
std::vector<bool> atoms_of(std::string_view list, std::int32_t atoms) {
    std::vector<bool> kept(static_cast<std::size_t>(atoms));
    const auto refuse = [&] {
        throw Error("the atoms to keep, '" + std::string(list) + "', are not a list of numbers from 1 to " +
                    std::to_string(atoms) + " such as 1-6,9");
    };
    const char* at = list.data();
    const char* const end = at + list.size();
    while (at != end) {
        std::int32_t first = 0;
        auto read = std::from_chars(at, end, first);
        std::int32_t last = first;
        if (read.ec == std::errc() && read.ptr != end && *read.ptr == '-') read = std::from_chars(read.ptr + 1, end, last);
        if (read.ec != std::errc() || first < 1 || last < first || last > atoms) refuse();
        for (std::int32_t atom = first; atom <= last; ++atom) kept[static_cast<std::size_t>(atom - 1)] = true;
        at = read.ptr;
        if (at != end && *at++ != ',') refuse();
    }
    return kept;
}

// Which tokens of an encoded molecule stay where some of its atoms do: theirs, and with their index tokens rings that bind two of
// them and branches from one to another.
std::vector<bool> kept_tokens(const std::vector<std::string_view>& words, const std::vector<bool>& atoms) {
    std::vector<bool> kept(words.size());
    std::size_t atom = 0;  // the next one
    const auto keep = [&](std::size_t first, std::size_t count) { std::fill_n(kept.begin() + static_cast<std::ptrdiff_t>(first), count, true); };
    std::vector<std::pair<std::size_t, std::size_t>> branches;  // places and lengths of those before the next atom
    for (std::size_t at = 0; at < words.size(); ++at) {
        const Token token = molecules::read_token(words[at]);
        if (token.kind == Token::Kind::atom) {
            kept[at] = atoms[atom];
            for (const auto& [place, length] : branches)
                if (kept[at] && atom > 0 && atoms[atom - 1]) keep(place, length);
            branches.clear();
            ++atom;
            continue;
        }
        std::size_t index = 0;
        for (std::size_t i = 1; i <= token.index_tokens; ++i) index = 16 * index + molecules::read_token(words[at + i]).index;
        const std::size_t length = 1u + token.index_tokens;
        if (token.kind == Token::Kind::branch) branches.emplace_back(at, length);
        if (token.kind == Token::Kind::ring && atoms[atom - 1] && atoms[atom - 1 - std::min(atom - 1, index + 1)]) keep(at, length);
        at += token.index_tokens;
    }
    return kept;
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
    while (!row.empty() && row.back() == 0) row = row.first(row.size() - 1);
    std::string line;
    for (const std::uint8_t symbol : row) line += symbol == unknown() ? std::string(box) : words_[symbol];
    // A row of padding alone has no text, and an empty line is none.
    return line.empty() ? words_[0] : line;
}

int TokenRows::symbol_of(std::string_view word) const {
    const auto found = std::find(words_.begin(), words_.end(), word);
    return found == words_.end() ? -1 : static_cast<int>(found - words_.begin());
}

bool TokenRows::begins_with_token(std::string_view line) const {
    if (line.starts_with(box) || line.starts_with('_') || line.starts_with(dots)) return true;
    return notation_ == Notation::selfies && line.starts_with('[');
}

void TokenRows::put(std::vector<std::uint8_t> symbols, std::uint8_t rest, std::span<std::uint8_t> row) const {
    if (symbols.size() > row.size())
        throw Error("it has " + std::to_string(symbols.size()) + " tokens where a row has " + std::to_string(row.size()));
    symbols.resize(row.size(), rest);
    std::copy(symbols.begin(), symbols.end(), row.begin());
}

void TokenRows::parse(std::string_view line, std::span<std::uint8_t> row) const {
    line = line.substr(0, line.find('\t'));
    const bool has_unknown = line.find(box) != line.npos || line.find('_') != line.npos || line.find(dots) != line.npos ||
                             line.ends_with(three_dots);
    const std::size_t blank = line.rfind(' ');
    const bool has_list = blank != line.npos && blank + 1 < line.size() && line[blank + 1] >= '0' && line[blank + 1] <= '9' &&
                          line.find_first_not_of("0123456789-,", blank + 1) == line.npos;
    // Characters of SMILES are themselves the tokens; only a list of atoms needs the molecule.
    if (begins_with_token(line) || (notation_ == Notation::smiles && !has_list)) return parse_tokens(line, row);
    if (has_unknown)
        throw Error("an unknown token stands in what is no row of [tokens]; of a SMILES, name the atoms to keep behind it: "
                    "'c1ccccc1O 1-6'");
    parse_smiles(line, row);
}

void TokenRows::parse_tokens(std::string_view line, std::span<std::uint8_t> row) const {
    std::vector<std::uint8_t> symbols;
    std::uint8_t rest = 0;
    while (!line.empty()) {
        const std::size_t close = line.find(']');
        std::size_t length = notation_ == Notation::smiles || line[0] != '[' ? 1 : std::min(close, line.size() - 1) + 1;
        if (line == dots || line == three_dots) {
            rest = unknown();
            break;
        }
        int symbol = symbol_of(line.substr(0, length));
        if (line.starts_with(box)) symbol = unknown(), length = box.size();
        if (line[0] == '_') symbol = unknown();
        if (symbol < 0)
            throw Error("token " + std::to_string(symbols.size() + 1) + " is '" +
                        (length > 1 ? std::string(line.substr(0, length)) : marginalia::first_character(line)) +
                        "', which the alphabet has not; it is one of " +
                        marginalia::symbols_text(categories(), words_) + ", or … at the end for all that follows");
        symbols.push_back(static_cast<std::uint8_t>(symbol));
        line.remove_prefix(length);
    }
    put(std::move(symbols), rest, row);
}

void TokenRows::parse_smiles(std::string_view line, std::span<std::uint8_t> row) const {
    const std::size_t blank = line.find(' ');
    const std::string_view smiles = line.substr(0, blank);
    if (notation_ == Notation::smiles)
        throw Error("a list of atoms to keep needs tokens = \"selfies\"; write □ for the characters that are unknown");
    molecules::Molecule molecule = molecules::parse_smiles(smiles);
    const std::int32_t atoms = molecule.size();
    const std::string selfies = molecules::encode(std::move(molecule));
    const std::vector<std::string_view> words = molecules::split(selfies);
    std::vector<bool> kept(words.size(), true);
    if (blank != line.npos) kept = kept_tokens(words, atoms_of(line.substr(line.rfind(' ') + 1), atoms));
    std::vector<std::uint8_t> symbols;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const int symbol = kept[i] ? symbol_of(words[i]) : static_cast<int>(unknown());
        if (symbol < 0)
            throw Error("the SELFIES of this SMILES has the token " + std::string(words[i]) + ", which the alphabet has not");
        symbols.push_back(static_cast<std::uint8_t>(symbol));
    }
    put(std::move(symbols), blank == line.npos ? std::uint8_t{0} : unknown(), row);
}

}  // namespace molecule_properties
