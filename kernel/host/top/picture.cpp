#include "kernel/host/top/picture.h"

#include <algorithm>
#include <utility>

#include <marginalia/characters.h>

namespace marginalia::top {
namespace {

struct Stand {
    std::string_view glyph;
    char ascii;
};

constexpr Stand stands[] = {{"▁", '_'}, {"▂", '.'}, {"▃", '-'}, {"▄", '~'}, {"▅", '='}, {"▆", '+'},
                            {"▇", '*'}, {"█", '#'}, {"░", '.'}, {"▏", ' '}, {"▎", ' '}, {"▍", '-'},
                            {"▌", '='}, {"▋", '='}, {"▊", '#'}, {"▉", '#'}, {"─", '-'}, {"│", '|'},
                            {"└", '+'}, {"┤", '+'}, {"┬", '+'}, {"·", '-'}, {"—", '-'}, {"…", '~'},
                            {"×", 'x'}, {"⠀", ' '}, {"∞", 'I'}, {"±", '+'}, {"↑", '^'}, {"↓", 'v'}};

bool is_braille(std::string_view glyph) { return glyph.size() == 3 && glyph >= "⠁" && glyph <= "⣿"; }

char stand_for(std::string_view glyph) {
    if (glyph.size() == 1) return glyph.front();
    if (is_braille(glyph)) return '*';
    const auto found = std::ranges::find(stands, glyph, &Stand::glyph);
    return found == std::end(stands) ? '?' : found->ascii;
}

}  // namespace

Line::Line(std::string text, Tone tone, bool strong) : spans{{0, std::move(text), tone, strong}} {}

void Line::add(std::string text, Tone tone, std::size_t gap) {
    const std::size_t end = spans.empty() ? 0 : spans.back().column + display_width(spans.back().text);
    spans.push_back({end + gap, std::move(text), tone});
}

std::string text_of(const Line& line) {
    std::string text;
    for (const Span& span : line.spans) {
        const std::size_t width = display_width(text);
        if (span.column > width) text.append(span.column - width, ' ');
        text += span.text;
    }
    text.erase(text.find_last_not_of(' ') + 1);
    return text;
}

std::string to_right(std::string_view text, std::size_t width) {
    const std::string shown = shorten(text, width);
    return std::string(width - display_width(shown), ' ') + shown;
}

std::string to_left(std::string_view text, std::size_t width) {
    std::string shown = shorten(text, width);
    shown.append(width - display_width(shown), ' ');
    return shown;
}

std::string to_ascii(std::string_view text) {
    std::string ascii;
    while (!text.empty()) {
        const std::string glyph = first_character(text);
        ascii += stand_for(glyph);
        text.remove_prefix(glyph.size());
    }
    return ascii;
}

}  // namespace marginalia::top
