// The colours of symbols in pictures.
#pragma once

#include <cstdint>

namespace marginalia {

struct Colour {
    std::uint8_t red = 0, green = 0, blue = 0;
    std::uint8_t terminal = 0;  // its number among a terminal's 256

    bool operator==(const Colour&) const = default;
};

// Of symbol 0..K-1, or K for unknown. Two symbols are black and white; three to ten go from dark violet over blue,
// green and yellow to nearly white, so that neighbours differ in hue as well as in lightness; more are levels of grey.
// Unknown is the middle grey, and a red where symbols are levels of grey.
Colour colour_of(int symbol, int categories);

// Between pictures.
constexpr Colour gutter_colour{58, 74, 104, 60};

}  // namespace marginalia
