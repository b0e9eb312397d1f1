// The forms in which inference writes states, and where they go.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>

#include "kernel/base/pictures.h"

namespace marginalia {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(TerminalPictures, codes, cell_width, cell_height)

enum class StateFormat {
    text,    // a state a line
    csv,     // its symbols, or its figure
    json,    // an object a line
    npy,     // one array, read by numpy.load
    png,     // a grid of pictures
    svg,     // a grid of drawings
    screen,  // for a person at a terminal: pictures, of blocks where it takes no others, if the layout has two
             // dimensions or states are drawn, else text
};

// What the terminal shows, where there is one.
struct Terminal {
    std::size_t columns = 80;
    bool colour = false;  // by ANSI codes of 256 colours
    bool blocks = false;  // block characters: its locale is UTF-8
    bool shown = false;   // standard output is one, and the answer goes there
    TerminalPictures pictures = {};
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Terminal, columns, colour, blocks, shown, pictures)

struct OutputRequest {
    StateFormat format = StateFormat::text;
    std::string file;  // empty: standard output
    Terminal terminal;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(OutputRequest, format, file, terminal)

}  // namespace marginalia
