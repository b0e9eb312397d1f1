// Where a torus of spins is cut for the sum over its unknown ones, and in which order they are summed out after that.
#pragma once

#include <marginalia/states.h>

#include <cstdint>
#include <vector>

namespace ising {

// A torus as a path across it sees it: the path has one site in each column.
struct Torus {
    std::int64_t rows = 3, row_step = 1;        // row_step: from a site to the same column of the next row
    std::int64_t columns = 1, column_step = 1;  // likewise
    bool ring = true;                           // the last column is a neighbour of the first

    // Rows are counted modulo their number.
    std::int64_t site(std::int64_t row, std::int64_t column) const {
        return (row % rows + rows) % rows * row_step + column * column_step;
    }
};

// What is known of a spin: nothing, its value, or that the path holds it at one value at a time.
enum class Spin : std::uint8_t { absent, down, up, unknown, on_path };

// The frontier moves on by one site in one column.
struct Step {
    std::int32_t column = 0;
    Spin before = Spin::absent, after = Spin::absent;  // the site that leaves the frontier, and the one that joins it
    Spin left = Spin::absent, right = Spin::absent;    // neighbours of the latter that are on the frontier
};

// The sum over all spins but those of the path, for one choice of the path's spins, is taken along a frontier: it
// starts as the path, has one site in each column, moves up one site at a time, and ends as the path again, all around
// the torus. Neighbours in it are at most one row apart, so that every bond is met while both its spins are on it. The
// cost of a step is 2^(unknown spins on the frontier), that of all 2^(unknown spins on the path) times as much: the
// path is laid through as many known sites as it can.
struct PathPlan {
    std::vector<std::int32_t> unknown_columns;  // whose site on the path is unknown
    std::vector<Step> steps;
    int most_axes = 0;  // unknown spins on the frontier at its widest
    double work = 0;    // entries computed, over all choices of the path's spins
};

// The cheapest of the paths with the most known sites. x: a partial state (2 = unknown).
PathPlan plan_path(const Torus& torus, marginalia::State x);

}  // namespace ising
