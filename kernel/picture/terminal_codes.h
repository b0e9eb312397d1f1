// Pictures as what terminals draw, by chafa.
#pragma once

#include <cairo.h>

#include <string>

namespace marginalia {

// How the terminal that the environment names takes pictures, "sixel", "kitty" or "iterm"; "none" where it takes none
// or is not known.
std::string detected_codes();

struct CellSize {
    int width = 10, height = 20;  // pixels
};

// The picture by these codes, at the left of the lines that it takes, and a line break. Throws Error for other codes.
std::string terminal_codes(cairo_surface_t* picture, const std::string& codes, CellSize cell);

}  // namespace marginalia
