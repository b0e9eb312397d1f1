// Pictures for terminals and files: the program marginalia-picture makes them (kernel/picture/main.cpp).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace marginalia {

// How the terminal on standard output is shown pictures.
struct TerminalPictures {
    std::string codes;                      // "sixel", "kitty" or "iterm"; empty: it is shown none
    int cell_width = 10, cell_height = 20;  // pixels of a character

    bool any() const { return !codes.empty(); }
};

// When pictures are wanted, as --pictures has it.
enum class PictureWish {
    automatic,  // where standard output is a terminal that is known to take them, and NO_COLOR is not set
    always,     // on any terminal, by sixels where it is not known; never in a pipe
    never
};
// By the words auto, always and never; nullopt: it is none of these.
std::optional<PictureWish> picture_wish(std::string_view word);
TerminalPictures terminal_pictures(PictureWish wish);

// The same by these codes, whatever standard output is: for who asked for them by name.
TerminalPictures pictures_by(const std::string& codes);

// An SVG document or a PNG file as what such a terminal draws, in at most so many cells; ends in a line break. The
// document may be a stranger's: it is drawn in a process of its own, of bounded memory and time. Throws Error where it
// cannot be drawn.
std::string drawn_in_terminal(std::string_view document, const TerminalPictures& pictures, std::size_t columns,
                              std::size_t rows);

// An SVG document as a PNG file of at most so many pixels. Throws as above.
std::string png_of_drawing(std::string_view svg, int width, int height);

}  // namespace marginalia
