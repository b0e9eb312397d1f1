// A raster of dots in characters: 2 x 4 of them in each, as braille has them, with what drew into a character last.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace marginalia::chart {

class Dots {
public:
    static constexpr int nobody = -1;

    Dots(std::size_t columns, std::size_t rows);

    // In dots, from the upper left.
    double right() const { return 2 * static_cast<double>(columns_) - 1; }
    double bottom() const { return 4 * static_cast<double>(rows_) - 1; }
    void dot(double x, double y, int by);
    void line(double x, double y, double to_x, double to_y, int by);

    // A row of characters, blanks where nothing is; `shown` is given a character's braille and who drew it.
    std::string row(std::size_t row, const std::function<std::string(const std::string&, int)>& shown) const;

private:
    struct Cell {
        unsigned dots = 0;
        int by = nobody;
    };

    std::size_t columns_, rows_;
    std::vector<Cell> cells_;
};

}  // namespace marginalia::chart
