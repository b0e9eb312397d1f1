#include "kernel/host/top/log_text.h"

#include <marginalia/characters.h>

#include <algorithm>

#include "kernel/base/printable.h"
#include "kernel/host/results/text.h"

namespace marginalia::top {
namespace {

// What a terminal would still show of it, tabs as blanks.
std::string last_state(std::string_view line) {
    while (line.ends_with('\r')) line.remove_suffix(1);
    std::string text(line.substr(line.rfind('\r') + 1));
    std::ranges::replace(text, '\t', ' ');
    return printable(text);
}

void add_pieces(std::vector<std::string>& lines, std::string_view text, std::size_t width) {
    std::string piece;
    std::size_t used = 0;
    while (!text.empty()) {
        const std::string character = first_character(text);
        const std::size_t more = display_width(character);
        if (used + more > width) {
            lines.push_back(std::move(piece));
            piece.clear(), used = 0;
        }
        piece += character;
        used += more;
        text.remove_prefix(character.size());
    }
    lines.push_back(std::move(piece));
}

}  // namespace

std::vector<std::string> log_lines(std::string_view text, std::size_t width) {
    std::vector<std::string> lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        add_pieces(lines, last_state(text.substr(0, end)), width);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

std::vector<std::string> window_of(std::vector<std::string> lines, std::size_t most, std::size_t& back) {
    const std::size_t shown = std::min(most, lines.size());
    back = std::min(back, lines.size() - shown);
    lines.resize(lines.size() - back);
    lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(shown));
    return lines;
}

}  // namespace marginalia::top
