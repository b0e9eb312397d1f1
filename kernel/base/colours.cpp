#include "kernel/base/colours.h"

#include <iterator>

namespace marginalia {
namespace {

// Of the 6 x 6 x 6 cube of the 256 colours, so that terminals show what pictures show; ever lighter.
constexpr std::uint8_t palette[] = {53, 55, 25, 31, 36, 71, 76, 148, 220, 230};
constexpr std::uint8_t cube_levels[] = {0, 95, 135, 175, 215, 255};

Colour of_cube(std::uint8_t number) {
    const int place = number - 16;
    return {cube_levels[place / 36], cube_levels[place / 6 % 6], cube_levels[place % 6], number};
}

// A terminal's darkest is a little above black, so that the border of a picture is seen on it.
Colour grey(int level) {
    const auto value = static_cast<std::uint8_t>(level);
    return {value, value, value, static_cast<std::uint8_t>(234 + level * 21 / 255)};
}

}  // namespace

Colour colour_of(int symbol, int categories) {
    constexpr int most = static_cast<int>(std::size(palette));
    const bool greys = categories == 2 || categories > most;
    if (symbol >= categories) return categories > most ? of_cube(167) : Colour{128, 128, 128, 244};
    if (greys) return grey(symbol * 255 / (categories - 1));
    return of_cube(palette[(2 * symbol * (most - 1) + categories - 1) / (2 * (categories - 1))]);
}

}  // namespace marginalia
