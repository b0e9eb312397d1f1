#include "molecule_file.h"

#include <marginalia/characters.h>

#include <algorithm>
#include <bitset>

#include "../data_files.h"
#include "plugins/molecules/selfies.h"
#include "plugins/molecules/smiles.h"

namespace marginalia {
namespace {

// A table: asked of every character of millions of molecules.
constexpr std::array<bool, 256> of_smiles = [] {
    std::array<bool, 256> table{};
    for (const char c : std::string_view("()[]=#$:/\\%.@+-*~0123456789")) table[static_cast<unsigned char>(c)] = true;
    for (char c = 'A'; c <= 'Z'; ++c)
        table[static_cast<unsigned char>(c)] = table[static_cast<unsigned char>(c - 'A' + 'a')] = true;
    return table;
}();

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// What a line is found to have wrong, at a byte of it.
struct Fault {
    std::size_t at;
    std::string sentence;
};

// Brackets, branches and ring bonds of one SMILES; `check` throws Fault.
class SmilesCheck {
public:
    explicit SmilesCheck(std::string_view text) : text_(text) {}

    void check() {
        for (std::size_t at = 0; at < text_.size(); ++at)
            if (!of_smiles[static_cast<unsigned char>(text_[at])])
                throw Fault{at, quoted_character(text_.substr(at)) + " is not a character of a SMILES"};
        for (std::size_t at = 0; at < text_.size(); ++at) at = end_of_part(at);
        if (branches_ > 0) throw Fault{text_.size(), "the molecule ends in a branch; a ')' is missing"};
        if (rings_.any())
            throw Fault{text_.size(), "ring bond " + std::to_string(open_ring()) + " is opened and never closed"};
    }

private:
    // Takes what begins at `at`; returns its last character.
    std::size_t end_of_part(std::size_t at) {
        const char c = text_[at];
        if (c == '(') {
            ++branches_;
        } else if (c == ')') {
            if (branches_-- == 0) throw Fault{at, "this ')' closes no branch"};
        } else if (c == ']') {
            throw Fault{at, "this ']' closes no bracket"};
        } else if (c == '[') {
            const std::size_t end = text_.find_first_of("[]", at + 1);
            if (end == text_.npos || text_[end] == '[') throw Fault{at, "this '[' is not closed by a ']'"};
            return end;
        } else if (is_digit(c)) {
            rings_.flip(static_cast<std::size_t>(c - '0'));
        } else if (c == '%') {
            if (at + 2 >= text_.size() || !is_digit(text_[at + 1]) || !is_digit(text_[at + 2]))
                throw Fault{at, "'%' is not followed by the two digits of a ring bond"};
            rings_.flip(static_cast<std::size_t>(10 * (text_[at + 1] - '0') + text_[at + 2] - '0'));
            return at + 2;
        }
        return at;
    }

    std::size_t open_ring() const {
        std::size_t ring = 0;
        while (!rings_[ring]) ++ring;
        return ring;
    }

    std::string_view text_;
    std::size_t branches_ = 0;
    std::bitset<100> rings_;
};

// What is left once brackets, branches and rings are in order: atoms, and bonds between them.
void check_reads(std::string_view text) {
    try {
        molecules::parse_smiles(text);
    } catch (const molecules::MoleculeError& error) {
        const std::string_view what = error.what();
        throw Fault{error.position(),
                    "this is not read as a molecule: " + std::string(what.substr(what.find(": ") + 2))};
    }
}

// Length of the SELFIES token that begins at `at`.
std::size_t selfies_token(std::string_view text, std::size_t at) {
    if (text[0] != '[')
        throw Fault{0, "'" + visible(text) +
                           "' is no SELFIES; tokens = \"selfies\" needs files that hold "
                           "SELFIES (marginalia-selfies encode makes them from SMILES), or set tokens = \"smiles\""};
    if (text[at] == '.') return 1;
    const std::size_t end = text.find_first_of("[]", at + 1);
    if (text[at] != '[' || end == text.npos || text[end] == '[' || end == at + 1)
        throw Fault{at, "here a token of SELFIES, such as [C] or [=Branch1], should be"};
    return end - at + 1;
}

void add_molecule(std::string_view text, Tokens tokens, TokenNumbers& known, MoleculeFile& file) {
    if (text.empty()) throw Fault{0, "there is no molecule on this line"};
    if (tokens == Tokens::smiles) {
        SmilesCheck(text).check();
        check_reads(text);
    }
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t length = tokens == Tokens::smiles ? 1 : selfies_token(text, at);
        const std::string_view token = text.substr(at, length);
        if (tokens == Tokens::selfies && known.find(token) < 0 &&
            molecules::read_token(token).kind == molecules::Token::Kind::unknown)
            throw Fault{at, "'" + visible(token) + "' " + molecules::token_fault(token)};
        const int number = known.number_of(token);
        if (number < 0) throw Fault{at, "this is token number 256; a file of molecules has at most 255 different ones"};
        file.numbers.push_back(static_cast<std::uint8_t>(number));
        at += length;
    }
    file.ends.push_back(file.numbers.size());
}

// "smiles" or "selfies", where the line is a header of that; else "".
std::string header_word(std::string_view field) {
    std::string word(field);
    for (char& c : word)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return word == "smiles" || word == "selfies" ? word : "";
}

}  // namespace

int TokenNumbers::find(std::string_view token) const {
    if (token.size() == 1) return of_byte_[static_cast<unsigned char>(token[0])];
    const auto found = of_word_.find(std::string(token));
    return found == of_word_.end() ? -1 : found->second;
}

int TokenNumbers::number_of(std::string_view token) {
    const int number = find(token);
    if (number >= 0 || words_.size() == most) return number;
    words_.emplace_back(token);
    const int next = static_cast<int>(words_.size()) - 1;
    if (token.size() == 1) of_byte_[static_cast<unsigned char>(token[0])] = next;
    else of_word_.emplace(token, next);
    return next;
}

MoleculeFile read_molecules(const std::string& name, Tokens tokens, TokenNumbers& known) {
    const auto [path, bytes] = file_text(name, "folder", "moses");
    std::string_view text = bytes;
    while (text.ends_with('\n')) text.remove_suffix(1);
    MoleculeFile file;
    file.path = path;
    file.numbers.reserve(text.size());
    std::size_t line = 1;
    for (std::size_t begin = 0; begin <= text.size(); ++line) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        const std::string_view whole = text.substr(begin, end - begin),
                               field = whole.substr(0, whole.find_first_of(", \t"));
        begin = end + 1;
        try {
            const std::string header = line == 1 ? header_word(field) : "";
            if (header == "selfies" && tokens == Tokens::smiles)
                throw Fault{0, "this file holds SELFIES; set tokens = \"selfies\""};
            if (header.empty()) add_molecule(field, tokens, known, file);
            else file.first_line = 2;
        } catch (const Fault& fault) {
            throw Error(path + ":" + std::to_string(line) + ":" + std::to_string(fault.at + 1) + ": " + fault.sentence);
        }
    }
    if (file.size() == 0) throw Error(path + ": there is no molecule in this file");
    return file;
}

}  // namespace marginalia
