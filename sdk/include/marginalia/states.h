// States of discrete variables as bytes, and how their sites are laid out.
#pragma once

#include <marginalia/characters.h>
#include <marginalia/error.h>

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

// The numbers of one state's real sites, beside its symbols: v[d] for each of the D sites, without meaning where site d
// has symbols or is unknown. In `State` a real site is 0 where it is known and K where it is not.
using Reals = std::span<const double>;

// What one site holds, where not all sites hold the same.
struct Site {
    std::int64_t categories = 0;          // its symbols are 0..categories-1, at most K; 0: a real number
    std::string name = {};                // of the column in a table; "": none
    std::vector<std::string> words = {};  // the text of each symbol; none: the numbers themselves
    double centre = 0, scale = 1;         // a real site's number v stands for centre + scale v; scale > 0

    bool is_real() const { return categories == 0; }
};

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

// A named quantity of a state, such as a magnetisation; where a normal distribution of it is aimed at, also its mean
// and standard deviation, which evaluation compares the model's states with.
struct Observable {
    std::string name;
    std::string unit;
    double target_mean = std::numeric_limits<double>::quiet_NaN();
    double target_deviation = std::numeric_limits<double>::quiet_NaN();
};

// A full or partial state as one line: each symbol's word from `words` (K entries; empty: the numbers 0..K-1) and □
// for K, joined by commas where a word is longer than one character.
std::string state_text(State x, std::int64_t categories, std::span<const std::string> words = {});

// The inverse of state_text, into out.size() sites: the longest word that fits is taken each time; □ or _ is unknown
// (K), unless a word says otherwise; commas, blanks and tabs between symbols are left out unless they are words; … or
// ... at the end of the line makes all sites that follow unknown. One comma at most stands between two symbols. With a
// layout of two axes or more '/' may divide rows, '//' layers; every row is then whole. Throws Error naming the first
// symbol that is none, counted from 1, or the number of symbols where it is not the number of sites.
void parse_state(std::string_view line, std::int64_t categories, std::span<const std::string> words,
                 std::span<std::uint8_t> out, const Layout& layout = {});

// What a symbol may be, for messages: "0 to 1, or □ or _ (unknown)".
std::string symbols_text(std::int64_t categories, std::span<const std::string> words);

// Throws Error unless D >= 1 and 2 <= K <= 255; `what` has them: "an energy".
void check_domain(std::string_view what, std::int64_t sites, std::int64_t categories);

}  // namespace marginalia
