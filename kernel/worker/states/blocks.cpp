#include "kernel/worker/states/blocks.h"

#include <fmt/format.h>

#include "kernel/base/colours.h"

namespace marginalia {
namespace {

constexpr std::int64_t most_shades = 5;

}  // namespace

Blocks::Blocks(Way way, const Layout& layout, std::int64_t categories)
    : way_(way), rows_(static_cast<std::size_t>(layout.shape[0])), columns_(static_cast<std::size_t>(layout.shape[1])),
      categories_(static_cast<int>(categories)) {}

std::optional<Blocks> Blocks::of(const Layout& layout, std::int64_t categories, bool colour, bool unknowns) {
    if (layout.shape.size() != 2 || (!colour && categories > most_shades)) return std::nullopt;
    if (colour) return Blocks(Way::colours, layout, categories);
    return Blocks(categories == 2 && !unknowns ? Way::halves : Way::shades, layout, categories);
}

std::vector<std::string> Blocks::draw(State x) const {
    std::vector<std::string> lines;
    if (way_ == Way::shades)
        for (std::size_t row = 0; row < rows_; ++row) lines.push_back(shaded_line(x, row));
    else
        for (std::size_t row = 0; row < rows_; row += 2)
            lines.push_back(way_ == Way::colours ? coloured_line(x, row) : halved_line(x, row));
    return lines;
}

std::string Blocks::coloured_line(State x, std::size_t row) const {
    std::string line;
    int front = -1, back = -1;
    const auto paint = [&](int& now, int wanted, const char* code) {
        if (now != wanted) line += fmt::format("\x1b[{};5;{}m", code, wanted);
        now = wanted;
    };
    for (std::size_t column = 0; column < columns_; ++column) {
        const std::size_t site = row * columns_ + column;
        const int upper = colour_of(x[site], categories_).terminal;
        if (row + 1 == rows_) {  // half a line: nothing below
            paint(front, upper, "38");
            line += "▀";
            continue;
        }
        const int lower = colour_of(x[site + columns_], categories_).terminal;
        paint(back, lower, "48");
        if (upper != lower) paint(front, upper, "38");
        line += upper == lower ? " " : "▀";
    }
    return line + "\x1b[0m";
}

std::string Blocks::halved_line(State x, std::size_t row) const {
    constexpr const char* pairs[] = {" ", "▄", "▀", "█"};
    std::string line;
    for (std::size_t site = row * columns_; site < (row + 1) * columns_; ++site)
        line += pairs[2 * (x[site] == 1) + (row + 1 < rows_ && x[site + columns_] == 1)];
    return line;
}

std::string Blocks::shaded_line(State x, std::size_t row) const {
    constexpr const char* shades[] = {"  ", "░░", "▒▒", "▓▓", "██"};
    std::string line;
    for (std::size_t site = row * columns_; site < (row + 1) * columns_; ++site) {
        if (x[site] >= categories_) line += categories_ == 2 ? "▒▒" : "··";
        else line += shades[x[site] * (most_shades - 1) / (categories_ - 1)];
    }
    return line;
}

}  // namespace marginalia
