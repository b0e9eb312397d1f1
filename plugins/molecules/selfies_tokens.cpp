#include <algorithm>

#include "plugins/molecules/characters.h"
#include "plugins/molecules/elements.h"
#include "plugins/molecules/selfies.h"
#include "plugins/molecules/smiles.h"

namespace marginalia::molecules {
namespace {

constexpr std::array<std::string_view, 16> indices = {
    "[C]",        "[Ring1]", "[Ring2]", "[Branch1]", "[=Branch1]", "[#Branch1]", "[Branch2]", "[=Branch2]",
    "[#Branch2]", "[O]",     "[N]",     "[=N]",      "[=C]",       "[#C]",       "[S]",       "[P]"};

// Reads what is between a token's brackets from the left.
class TokenReader {
public:
    explicit TokenReader(std::string_view text) : text_(text) {}

    bool ended() const { return text_.empty(); }

    bool take(std::string_view prefix) {
        if (!text_.starts_with(prefix)) return false;
        text_.remove_prefix(prefix.size());
        return true;
    }

    // The character, if it is one of these; else 0.
    char take_one_of(std::string_view characters) {
        if (text_.empty() || characters.find(text_[0]) == characters.npos) return 0;
        const char c = text_[0];
        text_.remove_prefix(1);
        return c;
    }

    // The number of up to 9 digits; -1 where there is none.
    std::int32_t take_number() {
        std::int32_t number = -1;
        for (int digits = 0; digits < 9 && !text_.empty() && is_digit(text_[0]); ++digits) {
            number = std::max(number, 0) * 10 + (text_[0] - '0');
            text_.remove_prefix(1);
        }
        return number;
    }

    int take_element() {
        const bool two = text_.size() > 1 && text_[1] >= 'a' && text_[1] <= 'z';
        const int element = element_of(text_.substr(0, two ? 2 : 1));
        text_.remove_prefix(std::min(text_.size(), two ? std::size_t{2} : std::size_t{1}));
        return element;
    }

private:
    std::string_view text_;
};

Slash slash_of(char sign) { return sign == '/' ? Slash::up : sign == '\\' ? Slash::down : Slash::none; }

std::uint8_t order_of(char sign) { return sign == '=' ? 2 : sign == '#' ? 3 : 1; }

bool read_atom(TokenReader reader, Token& token) {
    const char sign = reader.take_one_of("=#/\\");
    token.order = order_of(sign);
    token.slash = slash_of(sign);
    Atom& atom = token.atom;
    atom.isotope = reader.take_number();
    const int element = reader.take_element();
    atom.element = static_cast<std::uint8_t>(element);
    if (element == 0) return false;
    if (reader.ended() && atom.isotope < 0 && in_organic_subset(element)) return true;
    atom.hydrogens = 0;
    if (reader.take("@")) atom.chirality = reader.take("@") ? Chirality::clockwise : Chirality::counterclockwise;
    if (reader.take("H")) {
        const char digit = reader.take_one_of("0123456789");
        if (!digit) return false;
        atom.hydrogens = static_cast<std::int8_t>(digit - '0');
    }
    if (const char charge = reader.take_one_of("+-")) {
        const std::int32_t size = reader.take_number();
        if (size < 1) return false;
        atom.charge = charge == '+' ? size : -size;
    }
    return reader.ended();
}

bool read_length(TokenReader& reader, Token& token) {
    const char digit = reader.take_one_of("123");
    token.index_tokens = static_cast<std::uint8_t>(digit - '0');
    return digit && reader.ended();
}

bool read_branch(TokenReader reader, Token& token) {
    token.order = order_of(reader.take_one_of("=#"));
    return reader.take("Branch") && read_length(reader, token);
}

bool read_ring(TokenReader reader, Token& token) {
    const char sign = reader.take_one_of("=#-/\\");
    token.order = order_of(sign);
    if (sign && token.order == 1) {
        const char last = reader.take_one_of("-/\\");
        token.slash = slash_of(sign);
        token.last_slash = slash_of(last);
        if (!last || (sign == '-' && last == '-')) return false;
    }
    return reader.take("Ring") && read_length(reader, token);
}

// By the two letters before a number at a token's end branches and rings are told from atoms.
Token::Kind kind_of(std::string_view text, std::string_view inside, Token& token) {
    using Kind = Token::Kind;
    const std::string_view tail = text.size() < 4 ? "" : text.substr(text.size() - 4, 2);
    if (text == "[nop]") return Kind::nop;
    if (text == ".") return Kind::dot;
    if (tail == "ch") return read_branch(TokenReader(inside), token) ? Kind::branch : Kind::unknown;
    if (tail == "ng") return read_ring(TokenReader(inside), token) ? Kind::ring : Kind::unknown;
    if (text.find("eps") != text.npos) return Kind::epsilon;
    return read_atom(TokenReader(inside), token) ? Kind::atom : Kind::unknown;
}

// What SELFIES 1 wrote as the token; "" where it did not write it.
std::string second_version_of(std::string_view token) {
    std::string_view inside = token.substr(1, token.size() - 2);
    if (inside.starts_with("Branch") && inside.size() == 9 &&
        inside[7] == '_') {  // Branch1_2: a double bond leads into it
        const std::string sign = inside[8] == '2' ? "=" : inside[8] == '3' ? "#" : "";
        return "[" + sign + std::string(inside.substr(0, 7)) + "]";
    }
    if (inside.starts_with("Expl")) return "[" + std::string(inside.substr(4)) + "]";
    if (!inside.ends_with("expl")) return "";
    inside.remove_suffix(4);
    const std::size_t signs = inside.find_first_of("=#/\\") == 0 ? 1 : 0;
    try {
        const Molecule atom = parse_smiles("[" + std::string(inside.substr(signs)) + "]");
        std::string text = "[" + std::string(inside.substr(0, signs));
        append_atom(text, atom.atom(0));
        return text + "]";
    } catch (const MoleculeError&) {
        return "";
    }
}

}  // namespace

std::string token_fault(std::string_view token) {
    const bool brackets = token.size() > 2 && token.front() == '[' && token.back() == ']';
    const std::string second = brackets ? second_version_of(token) : "";
    if (second.empty() || read_token(second).kind == Token::Kind::unknown) return "is not a token of SELFIES";
    return "is a token of SELFIES 1, where version 2 writes " + second +
           "; make the SELFIES again from SMILES (marginalia-selfies encode)";
}

std::span<const std::string_view, 16> index_tokens() { return indices; }

Token read_token(std::string_view text, std::size_t position) {
    Token token;
    const bool brackets = text.size() > 2 && text.front() == '[' && text.back() == ']';
    token.kind = kind_of(text, brackets ? text.substr(1, text.size() - 2) : "", token);
    token.atom.position = static_cast<std::uint32_t>(position);
    const auto index = std::find(indices.begin(), indices.end(), text);
    if (index != indices.end()) token.index = static_cast<std::uint8_t>(index - indices.begin());
    return token;
}

std::vector<std::string_view> split(std::string_view selfies) {
    std::vector<std::string_view> tokens;
    tokens.reserve(selfies.size() / 4);
    for (std::size_t at = 0; at < selfies.size(); at += tokens.back().size()) {
        if (selfies[at] == '.') {
            tokens.push_back(selfies.substr(at, 1));
            continue;
        }
        if (selfies[at] != '[')
            throw MoleculeError(at, "here a token of a SELFIES, such as [C] or [=Branch1], should be");
        const std::size_t end = selfies.find_first_of("[]", at + 1);
        if (end == selfies.npos || selfies[end] == '[') throw MoleculeError(at, "this '[' is not closed by a ']'");
        tokens.push_back(selfies.substr(at, end - at + 1));
    }
    return tokens;
}

std::vector<std::string> alphabet_of(std::span<const std::string> selfies) {
    std::vector<std::string> words;
    for (const std::string& text : selfies) {
        for (const std::string_view token : split(text))
            if (token != ".") words.emplace_back(token);
        std::sort(words.begin(), words.end());
        words.erase(std::unique(words.begin(), words.end()), words.end());
    }
    return words;
}

}  // namespace marginalia::molecules
