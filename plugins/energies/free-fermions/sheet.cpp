#include "sheet.h"

#include <cmath>

namespace free_fermions {

std::optional<Sheet> Sheet::of(std::size_t rows, std::size_t columns, std::span<const Bond> bonds) {
    const std::size_t sites = rows * columns;
    Sheet sheet{rows, columns, std::vector<double>(sites), std::vector<double>(sites)};
    for (const Bond& bond : bonds) {
        const std::size_t row = bond.a / columns, column = bond.a % columns;
        if (bond.b == row * columns + (column + 1) % columns) sheet.across[bond.a] = bond.weight;
        else if (bond.b == (row + 1) % rows * columns + column) sheet.down[bond.a] = bond.weight;
        else return std::nullopt;
    }
    return sheet;
}

bool Sheet::closes_across() const {
    for (std::size_t row = 0; row < rows; ++row)
        if (across[(row + 1) * columns - 1] != 0) return true;
    return false;
}

bool Sheet::closes_down() const {
    for (std::size_t column = 0; column < columns; ++column)
        if (down[(rows - 1) * columns + column] != 0) return true;
    return false;
}

Sheet Sheet::turned() const {
    Sheet other{columns, rows, down, across};
    for (std::size_t row = 0; row < rows; ++row)
        for (std::size_t column = 0; column < columns; ++column) {
            other.across[column * rows + row] = down[row * columns + column];
            other.down[column * rows + row] = across[row * columns + column];
        }
    return other;
}

Sheet Sheet::upside_down() const {
    Sheet other = *this;
    for (std::size_t row = 0; row < rows; ++row)
        for (std::size_t column = 0; column < columns; ++column) {
            const std::size_t before = rows - 1 - row, above = (before + rows - 1) % rows;
            other.across[row * columns + column] = across[before * columns + column];
            other.down[row * columns + column] = down[above * columns + column];
        }
    return other;
}

std::vector<double> Sheet::make_positive_down() {
    const std::size_t sites = rows * columns, last = sites - columns;
    std::vector<double> turn(sites, 1.0);
    for (std::size_t site = columns; site < sites; ++site)
        turn[site] = turn[site - columns] * (down[site - columns] < 0 ? -1 : 1);
    for (std::size_t site = 0; site < sites; ++site) {
        across[site] *= turn[site] * turn[site / columns * columns + (site + 1) % columns];
        down[site] = site < last ? std::abs(down[site]) : down[site] * turn[site];
    }
    return turn;
}

double Sheet::log_f(std::span<const double> spins) const {
    double sum = 0;
    for (std::size_t site = 0; site < spins.size(); ++site) {
        const std::size_t row = site / columns, column = site % columns;
        sum += across[site] * spins[site] * spins[row * columns + (column + 1) % columns];
        sum += down[site] * spins[site] * spins[(row + 1) % rows * columns + column];
    }
    return sum;
}

}  // namespace free_fermions
