// Pictures as PNG files, by libpng.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernel/base/colours.h"

namespace marginalia {

// Pixels as numbers of colours, row after row from the top.
struct IndexedPicture {
    std::size_t width = 0, height = 0;
    std::vector<Colour> colours;       // 1 to 256
    std::vector<std::uint8_t> pixels;  // width * height
};

// Pixels in colour, row after row from the top.
struct ColourPicture {
    std::size_t width = 0, height = 0;
    std::vector<std::uint8_t> pixels;  // 3 * width * height: red, green and blue of each
};

// The bytes of a PNG file of that picture. Throws Error with libpng's words where there is no memory for it.
std::string png_of(const IndexedPicture& picture);
std::string png_of(const ColourPicture& picture);

}  // namespace marginalia
