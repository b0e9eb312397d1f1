#include "kernel/host/chart/dots.h"

#include <algorithm>
#include <cmath>

namespace marginalia::chart {

Dots::Dots(std::size_t columns, std::size_t rows) : columns_(columns), rows_(rows), cells_(columns * rows) {}

void Dots::dot(double x, double y, int by) {
    constexpr unsigned bits[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    const auto column = static_cast<std::size_t>(std::lround(x)), line = static_cast<std::size_t>(std::lround(y));
    Cell& cell = cells_[line / 4 * columns_ + column / 2];
    cell.dots |= bits[line % 4][column % 2];
    cell.by = by;
}

void Dots::line(double x, double y, double to_x, double to_y, int by) {
    const double steps = std::max({std::abs(to_x - x), std::abs(to_y - y), 1.0});
    for (double i = 0; i <= steps; ++i) dot(x + (to_x - x) * i / steps, y + (to_y - y) * i / steps, by);
}

std::string Dots::row(std::size_t row, const std::function<std::string(const std::string&, int)>& shown) const {
    std::string text;
    for (std::size_t column = 0; column < columns_; ++column) {
        const auto& [dots, by] = cells_[row * columns_ + column];
        const std::string braille{'\xe2', static_cast<char>(0xa0 | (dots >> 6)),
                                  static_cast<char>(0x80 | (dots & 0x3f))};
        text += dots == 0 ? " " : shown(braille, by);
    }
    return text;
}

}  // namespace marginalia::chart
