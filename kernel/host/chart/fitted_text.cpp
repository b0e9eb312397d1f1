#include "kernel/host/chart/fitted_text.h"

#include <algorithm>
#include <iterator>

#include <marginalia/characters.h>

#include "kernel/host/results/text.h"

namespace marginalia {
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

}  // namespace marginalia
