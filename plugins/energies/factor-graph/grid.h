// Lattices, whose sites are numbered as those of a rectangle or a box.
#pragma once

#include <marginalia/states.h>

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "boundary.h"

namespace factor_graph {

// Besides the neighbours in its row, (r, c) is joined to
//   square      (r + 1, c)
//   cubic       (r + 1, c) and the same place in the next layer
//   triangular  (r + 1, c) and (r + 1, c - 1): axes at 60 degrees
//   honeycomb   (r + 1, c) where r + c is even: a brick wall, two columns to a cell
//   kagome      three columns to a cell, the corners A, B, C of a triangle, each joined to both others; B to the A of
//               the next cell in its row, C to the A of the cell below and to the B before that.
enum class LatticeKind { square, cubic, triangular, honeycomb, kagome };

inline constexpr marginalia::Parameter lattice_parameter = {.name = "lattice",
                                                            .type = marginalia::ParameterType::text,
                                                            .fallback = "\"square\"",
                                                            .choices = "square|triangular|honeycomb|kagome|cubic",
                                                            .help =
                                                                "which sites are neighbours; square with layers "
                                                                "above 1 is cubic",
                                                            .absent = "\"square\""};

inline constexpr marginalia::Parameter layers_parameter = {.name = "layers",
                                                           .type = marginalia::ParameterType::integer,
                                                           .fallback = "1",
                                                           .minimum = 1,
                                                           .maximum = 10000,
                                                           .unit = "sites",
                                                           .help = "layers of a cubic lattice; 1 for all others"};

// Of an energy that had no layers in its first release.
constexpr marginalia::Parameter later(marginalia::Parameter parameter) {
    parameter.absent = parameter.fallback;
    return parameter;
}

// site = (layer * rows + row) * columns + column.
struct Grid {
    std::int64_t layers = 1, rows = 1, columns = 1;
    Boundary boundary = Boundary::open;
    LatticeKind kind = LatticeKind::square;

    // Throws Error where the grid is larger than a plugin should hold in memory.
    std::int64_t sites() const;

    // Pairs of neighbours, each once: site by site those that come after it on the axes named above, in that order.
    // Around a short torus two sites may meet twice, or a site itself: such a second edge, or the site's, is left out.
    std::vector<std::pair<std::uint32_t, std::uint32_t>> edges() const;

    // Networks know a torus from other boundaries, and neither a cylinder nor the kind of lattice.
    marginalia::Layout layout() const;

    // Puts '/' between the rows of a line of symbols and '//' between layers.
    template <class Symbol>
    std::string text(marginalia::State x, Symbol symbol) const {
        std::string line;
        for (std::int64_t site = 0; site < static_cast<std::int64_t>(x.size()); ++site) {
            if (site > 0 && site % columns == 0) line += site % (rows * columns) == 0 ? "//" : "/";
            line += symbol(x[site]);
        }
        return line;
    }

private:
    using Targets = std::array<std::int64_t, 3>;  // nowhere: there is none

    static constexpr std::int64_t most_sites = 300000, nowhere = -1;

    Targets targets(std::int64_t site) const;
    std::int64_t moved(std::int64_t site, std::int64_t layers_on, std::int64_t rows_on, std::int64_t columns_on) const;
};

// Of the parameters layers, rows, columns, boundary and lattice. Throws Error where the lattice's cells do not fit.
Grid grid_of(const marginalia::Params& p);

}  // namespace factor_graph
