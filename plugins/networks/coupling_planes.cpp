#include "coupling_planes.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <marginalia/pair_graph.h>

namespace marginalia {
namespace {

struct Lattice {
    std::int64_t rows, columns;
    bool periodic;

    // The next site of the row (0) or the column (1); -1: none.
    std::int64_t next(std::int64_t site, int axis) const {
        const std::int64_t extent = axis == 0 ? columns : rows, step = axis == 0 ? 1 : columns;
        const std::int64_t place = site / step % extent;
        if (place + 1 < extent) return site + step;
        return periodic ? site - place * step : -1;
    }
};

// The site at which the table of a pair is kept, the direction in which the other one lies, and whether that one is the
// pair's first.
struct Bond {
    std::int64_t site;
    int axis;
    bool turned;
};

Bond bond_of(const Lattice& lattice, std::int64_t first, std::int64_t second, const std::string& who) {
    for (const int axis : {0, 1}) {
        if (lattice.next(first, axis) == second) return {first, axis, false};
        if (lattice.next(second, axis) == first) return {second, axis, true};
    }
    throw Error(
        fmt::format("{} needs pairs of neighbours on a lattice, and the energy has one of the sites {} and {} of {} x "
                    "{}; use the network 'graph' for it",
                    who, first, second, lattice.rows, lattice.columns));
}

}  // namespace

at::Tensor coupling_planes(const Domain& domain, const std::string& network) {
    const std::string who = "network '" + network + "' with couplings = true";
    const PairGraph graph = pair_graph(domain, who);
    const Lattice lattice{domain.layout.shape[0], domain.layout.shape[1], domain.layout.periodic};
    const std::int64_t categories = domain.categories, entries = categories * categories;
    const auto first = graph.first.accessor<std::int64_t, 1>(), second = graph.second.accessor<std::int64_t, 1>();
    at::Tensor planes = at::zeros({categories + 2 * entries, domain.sites});
    planes.slice(0, 0, categories).copy_(graph.fields.t());
    for (std::int64_t pair = 0; pair < first.size(0); ++pair) {
        const Bond bond = bond_of(lattice, first[pair], second[pair], who);
        const at::Tensor table = bond.turned ? graph.tables[pair].t() : graph.tables[pair];
        const std::int64_t plane = categories + bond.axis * entries;
        planes.slice(0, plane, plane + entries).select(1, bond.site).copy_(table.flatten());
    }
    return planes.asinh().view({-1, lattice.rows, lattice.columns});
}

}  // namespace marginalia
