// States of discrete variables as bytes, and how their sites are laid out.
#pragma once

#include <marginalia/error.h>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace marginalia {

// One state: x[d] in 0..K-1 for each of the D sites. In a *partial* state the value K stands for the extra symbol □:
// unknown, marginalised out.
using State = std::span<const std::uint8_t>;

// Many states, row after row without gaps: (rows, width) bytes. A view; owns nothing.
struct States {
    std::span<const std::uint8_t> bytes;
    std::size_t width = 0;

    std::size_t size() const { return width == 0 ? 0 : bytes.size() / width; }
    State operator[](std::size_t row) const { return bytes.subspan(row * width, width); }
    States slice(std::size_t first, std::size_t count) const {
        return {bytes.subspan(first * width, count * width), width};
    }
};

// How sites lie in space, for networks that use it and for pictures. `shape` multiplies to D, slowest axis first:
// {rows, columns} for a square lattice (site = row * columns + column), {length} for a sequence.
struct Layout {
    std::vector<std::int64_t> shape;
    bool periodic = false;  // opposite edges are neighbours (a torus, a ring)
};

// A named quantity of a state, such as a magnetisation; where a normal distribution of it is aimed at, also its mean and
// standard deviation, which evaluation compares the model's states with.
struct Observable {
    std::string name;
    std::string unit;
    double target_mean = std::numeric_limits<double>::quiet_NaN();
    double target_deviation = std::numeric_limits<double>::quiet_NaN();
};

// More than one character of UTF-8.
inline bool is_long_word(std::string_view word) {
    int characters = 0;
    for (const char byte : word) characters += (byte & 0xC0) != 0x80;
    return characters > 1;
}

// The first character of UTF-8 of a text that is not empty.
inline std::string first_character(std::string_view text) {
    std::size_t end = 1;
    while (end < text.size() && (text[end] & 0xC0) == 0x80) ++end;
    return std::string(text.substr(0, end));
}

// A full or partial state as one line: each symbol's word from `words` (K entries; empty: the numbers 0..K-1) and □
// for K, joined by commas where a word is longer than one character.
inline std::string state_text(State x, std::int64_t categories, std::span<const std::string> words = {}) {
    bool commas = words.empty() && categories > 10;
    for (const std::string& word : words) commas = commas || is_long_word(word);
    std::string line;
    for (std::size_t d = 0; d < x.size(); ++d) {
        if (commas && d > 0) line += ',';
        line += x[d] >= categories ? "□" : words.empty() ? std::to_string(x[d]) : words[x[d]];
    }
    return line;
}

// What a symbol may be, for messages: "0 to 1, or □ or _ (unknown)".
inline std::string symbols_text(std::int64_t categories, std::span<const std::string> words) {
    constexpr std::size_t most_listed = 40;
    std::string list;
    if (words.empty())
        list = "0 to " + std::to_string(categories - 1);
    else if (words.size() > most_listed)
        list = "one of the " + std::to_string(words.size()) + " words";
    else
        for (const std::string& word : words) list += (list.empty() ? "" : " ") + word;
    return list + ", or □ or _ (unknown)";
}

// The inverse of state_text, into out.size() sites: the longest word that fits is taken each time; □ or _ is unknown
// (K), unless a word says otherwise; commas, blanks and tabs between symbols are left out unless they are words. Throws
// Error naming the first symbol that is none, counted from 1, or the number of symbols where it is not the number of
// sites.
inline void parse_state(std::string_view line, std::int64_t categories, std::span<const std::string> words,
                        std::span<std::uint8_t> out) {
    constexpr std::string_view box = "□";
    std::size_t found = 0, at = 0;
    const auto refuse = [&](const std::string& what) {
        throw Error("symbol " + std::to_string(found + 1) + " is '" + what + "'; it must be " +
                    symbols_text(categories, words));
    };
    while (at < line.size()) {
        const std::string_view rest = line.substr(at);
        std::size_t length = 0;
        int symbol = -1;
        for (std::size_t w = 0; w < words.size(); ++w)
            if (words[w].size() > length && rest.starts_with(words[w]))
                symbol = static_cast<int>(w), length = words[w].size();
        if (length == 0 && words.empty() && rest[0] >= '0' && rest[0] <= '9') {
            // Up to ten categories every digit is a symbol; beyond, commas divide whole numbers.
            const auto [end, error] =
                std::from_chars(rest.data(), rest.data() + (categories > 10 ? rest.size() : 1), symbol);
            length = static_cast<std::size_t>(end - rest.data());
            if (error != std::errc() || symbol >= categories) refuse(std::string(rest.substr(0, length)));
        }
        if (length == 0 && rest.starts_with(box)) symbol = static_cast<int>(categories), length = box.size();
        if (length == 0 && rest[0] == '_') symbol = static_cast<int>(categories), length = 1;
        if (length == 0 && (rest[0] == ',' || rest[0] == ' ' || rest[0] == '\t')) {
            ++at;
            continue;
        }
        if (length == 0) refuse(first_character(rest));
        if (found < out.size()) out[found] = static_cast<std::uint8_t>(symbol);
        ++found;
        at += length;
    }
    if (found != out.size())
        throw Error("it has " + std::to_string(found) + " symbols where a state has " + std::to_string(out.size()) +
                    " sites");
}

}  // namespace marginalia
