// Rectangles of spins, each with bonds to the next column and the next row.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "sweep.h"

namespace free_fermions {

// site = row * columns + column. Weights are in nats; 0: there is no bond.
struct Sheet {
    std::size_t rows, columns;
    std::vector<double> across;  // of each site's bond to the next column, from the last one to the first
    std::vector<double> down;    // to the next row, from the last one to the first

    // nullopt where a bond joins no neighbours of the rectangle.
    static std::optional<Sheet> of(std::size_t rows, std::size_t columns, std::span<const Bond> bonds);

    bool closes_across() const;  // somewhere the last column is joined to the first
    bool closes_down() const;

    Sheet turned() const;  // rows become columns
    Sheet upside_down() const;

    // Turns spins, which changes the signs of their bonds, so that none downwards is negative but in the last row.
    // Gives -1 for each site that was turned, 1 for the others.
    std::vector<double> make_positive_down();

    double log_f(std::span<const double> spins) const;  // +1 or -1 each
};

}  // namespace free_fermions
