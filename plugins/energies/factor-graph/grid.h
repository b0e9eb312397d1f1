// Rectangles and boxes of sites.
#pragma once

#include <marginalia/states.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace factor_graph {

// site = (layer * rows + row) * columns + column.
struct Grid {
    std::int64_t layers = 1, rows = 1, columns = 1;
    bool torus = false;

    // Throws Error where the grid is larger than a plugin should hold in memory.
    std::int64_t sites() const {
        const std::int64_t sites = layers * rows * columns;  // extents are at most 10,000
        if (sites > most_sites)
            throw marginalia::Error("the lattice has " + std::to_string(sites) +
                                    " sites; make layers * rows * columns at most " + std::to_string(most_sites));
        return sites;
    }

    // Pairs of neighbours, each once: site by site its next column, row and layer. On a torus an extent of 2 has no
    // second edge between the same sites, an extent of 1 none at all.
    std::vector<std::pair<std::uint32_t, std::uint32_t>> edges() const {
        std::vector<std::pair<std::uint32_t, std::uint32_t>> all;
        const std::int64_t count = sites();
        for (std::int64_t site = 0; site < count; ++site)
            for (const auto& [extent, step] :
                 {std::pair{columns, std::int64_t{1}}, {rows, columns}, {layers, rows * columns}}) {
                const std::int64_t at = site / step % extent;
                if (at + 1 < extent) all.emplace_back(site, site + step);
                else if (torus && extent > 2) all.emplace_back(site, site - at * step);
            }
        return all;
    }

    marginalia::Layout layout() const {
        return layers > 1 ? marginalia::Layout{{layers, rows, columns}, torus}
                          : marginalia::Layout{{rows, columns}, torus};
    }

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
    static constexpr std::int64_t most_sites = 300000;
};

}  // namespace factor_graph
