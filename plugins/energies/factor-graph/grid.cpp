#include "grid.h"

#include <algorithm>
#include <optional>
#include <string_view>

namespace factor_graph {
namespace {

LatticeKind kind_of(std::string_view word) {
    return word == "cubic"        ? LatticeKind::cubic
           : word == "triangular" ? LatticeKind::triangular
           : word == "honeycomb"  ? LatticeKind::honeycomb
           : word == "kagome"     ? LatticeKind::kagome
                                  : LatticeKind::square;
}

void require_even(const char* what, std::int64_t extent) {
    if (extent % 2 != 0)
        throw marginalia::Error(std::string("a honeycomb that closes across its ") + what +
                                " needs an even number of them, not " + std::to_string(extent) +
                                "; change it, or the boundary");
}

// The coordinate `on` further; nullopt: beyond the end.
std::optional<std::int64_t> step(std::int64_t at, std::int64_t on, std::int64_t extent, bool wraps) {
    const std::int64_t to = at + on;
    if (to >= 0 && to < extent) return to;
    if (!wraps) return std::nullopt;
    return (to % extent + extent) % extent;
}

}  // namespace

std::int64_t Grid::sites() const {
    const std::int64_t sites = layers * rows * columns;  // extents are at most 10,000
    if (sites > most_sites)
        throw marginalia::Error("the lattice has " + std::to_string(sites) +
                                " sites; make layers * rows * columns at most " + std::to_string(most_sites));
    return sites;
}

std::int64_t Grid::moved(std::int64_t site, std::int64_t layers_on, std::int64_t rows_on,
                         std::int64_t columns_on) const {
    const bool torus = boundary == Boundary::torus;
    const auto layer = step(site / (rows * columns), layers_on, layers, torus);
    const auto row = step(site / columns % rows, rows_on, rows, torus);
    const auto column = step(site % columns, columns_on, columns, boundary != Boundary::open);
    return layer && row && column ? (*layer * rows + *row) * columns + *column : nowhere;
}

Grid::Targets Grid::targets(std::int64_t site) const {
    const std::int64_t right = moved(site, 0, 0, 1), below = moved(site, 0, 1, 0), column = site % columns;
    switch (kind) {
        case LatticeKind::square: return {right, below, nowhere};
        case LatticeKind::cubic: return {right, below, moved(site, 1, 0, 0)};
        case LatticeKind::triangular: return {right, below, moved(site, 0, 1, -1)};
        case LatticeKind::honeycomb: return {right, (site / columns + column) % 2 == 0 ? below : nowhere, nowhere};
        case LatticeKind::kagome: break;
    }
    if (column % 3 == 2) return {moved(site, 0, 1, -2), moved(site, 0, 1, -4), nowhere};
    return {right, moved(site, 0, 0, 2), nowhere};
}

std::vector<std::pair<std::uint32_t, std::uint32_t>> Grid::edges() const {
    std::vector<std::pair<std::uint32_t, std::uint32_t>> all;
    const std::int64_t count = sites();
    for (std::int64_t site = 0; site < count; ++site) {
        const Targets mine = targets(site);
        for (auto to = mine.begin(); to != mine.end(); ++to) {
            if (*to == nowhere || *to == site || std::find(mine.begin(), to, *to) != to) continue;
            const Targets theirs = targets(*to);
            if (*to < site && std::find(theirs.begin(), theirs.end(), site) != theirs.end()) continue;
            all.emplace_back(site, *to);
        }
    }
    return all;
}

marginalia::Layout Grid::layout() const {
    const bool periodic = boundary == Boundary::torus;
    return layers > 1 ? marginalia::Layout{{layers, rows, columns}, periodic}
                      : marginalia::Layout{{rows, columns}, periodic};
}

Grid grid_of(const marginalia::Params& p) {
    Grid grid{p.integer("layers"), p.integer("rows"), p.integer("columns"), boundary_of(p), kind_of(p.text("lattice"))};
    if (grid.layers > 1 && grid.kind == LatticeKind::square) grid.kind = LatticeKind::cubic;
    if (grid.layers > 1 && grid.kind != LatticeKind::cubic)
        throw marginalia::Error("a " + p.text("lattice") + " lattice has one layer, not " +
                                std::to_string(grid.layers) + "; set lattice = \"cubic\" or layers = 1");
    if (grid.kind == LatticeKind::kagome && grid.columns % 3 != 0)
        throw marginalia::Error("a kagome lattice has three columns to a cell; make columns a multiple of 3, not " +
                                std::to_string(grid.columns));
    if (grid.kind == LatticeKind::honeycomb && grid.boundary != Boundary::open) require_even("columns", grid.columns);
    if (grid.kind == LatticeKind::honeycomb && grid.boundary == Boundary::torus) require_even("rows", grid.rows);
    return grid;
}

}  // namespace factor_graph
