// What a window shows, as lines of text at fixed columns: what is drawn, apart from the terminal that draws it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/host/chart/fitted_text.h"
#include "kernel/host/results/text.h"

namespace marginalia::top {

struct Size {
    std::size_t width = 80, height = 24;
};

// A text that begins at a column. It holds nothing that a terminal obeys, and fits into the line.
struct Span {
    std::size_t column = 0;
    std::string text;
    Tone tone = Tone::plain;
    bool strong = false;  // bold
};

struct Line {
    std::vector<Span> spans;
    bool inverse = false;  // the whole line: a heading, or the one that is chosen

    Line() = default;
    Line(std::string text, Tone tone = Tone::plain, bool strong = false);
    // Adds a text behind those that are there, `gap` columns from the last.
    void add(std::string text, Tone tone = Tone::plain, std::size_t gap = 0);
};

using Picture = std::vector<Line>;

// The line as it stands on the screen, without its tones and the blanks at its end.
std::string text_of(const Line& line);

}  // namespace marginalia::top
