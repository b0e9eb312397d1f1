#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "factor-graph/grid.h"
#include "tests/plugins/energy_enumeration.h"

namespace lattices_by_name {

using energy_plugin::make;
using factor_graph::Boundary;
using factor_graph::Grid;
using factor_graph::LatticeKind;

namespace {

constexpr Boundary boundaries[] = {Boundary::open, Boundary::cylinder, Boundary::torus};

std::vector<std::set<std::uint32_t>> neighbours_of(const Grid& grid) {
    std::vector<std::set<std::uint32_t>> neighbours(grid.sites());
    for (const auto& [a, b] : grid.edges()) {
        CHECK(a != b);
        CHECK(neighbours[a].insert(b).second);  // once
        CHECK(neighbours[b].insert(a).second);
    }
    return neighbours;
}

std::size_t common(const std::set<std::uint32_t>& a, const std::set<std::uint32_t>& b) {
    return static_cast<std::size_t>(
        std::count_if(a.begin(), a.end(), [&](std::uint32_t site) { return b.contains(site); }));
}

}  // namespace

TEST_CASE("on a torus all sites have the lattice's number of neighbours, and its triangles") {
    const std::pair<LatticeKind, std::size_t> wanted[] = {{LatticeKind::square, 4},
                                                          {LatticeKind::triangular, 6},
                                                          {LatticeKind::honeycomb, 3},
                                                          {LatticeKind::kagome, 4},
                                                          {LatticeKind::cubic, 6}};
    for (const auto& [kind, number] : wanted) {
        const Grid grid{kind == LatticeKind::cubic ? 5 : 1, 6, 12, Boundary::torus, kind};
        const auto neighbours = neighbours_of(grid);
        for (const auto& of_site : neighbours) CHECK(of_site.size() == number);
        // Triangles that hold an edge: two of the triangular lattice, one of kagome, none of the others.
        const std::size_t triangles = kind == LatticeKind::triangular ? 2 : kind == LatticeKind::kagome ? 1 : 0;
        for (const auto& [a, b] : grid.edges()) CHECK(common(neighbours[a], neighbours[b]) == triangles);
        // A honeycomb has no ring of four: sites that are no neighbours have at most one in common.
        if (kind != LatticeKind::honeycomb) continue;
        for (std::size_t a = 0; a < neighbours.size(); ++a)
            for (std::size_t b = 0; b < a; ++b) CHECK(common(neighbours[a], neighbours[b]) <= 1);
    }
}

TEST_CASE("numbers of edges by boundary, and no edge twice around short extents") {
    const auto edges = [](std::int64_t rows, std::int64_t columns, LatticeKind kind) {
        std::vector<std::size_t> numbers;
        for (const Boundary boundary : boundaries) {
            const Grid grid{1, rows, columns, boundary, kind};
            neighbours_of(grid);
            numbers.push_back(grid.edges().size());
        }
        return numbers;
    };
    using Numbers = std::vector<std::size_t>;
    CHECK(edges(3, 4, LatticeKind::square) == Numbers{17, 20, 24});
    CHECK(edges(3, 4, LatticeKind::triangular) == Numbers{23, 28, 36});
    CHECK(edges(4, 6, LatticeKind::honeycomb) == Numbers{29, 33, 36});
    CHECK(edges(2, 6, LatticeKind::kagome) == Numbers{17, 20, 24});
    CHECK(edges(2, 2, LatticeKind::triangular) == Numbers{5, 6, 6});  // all pairs
    CHECK(edges(1, 3, LatticeKind::kagome) == Numbers{3, 3, 3});
    CHECK(edges(2, 2, LatticeKind::honeycomb) == Numbers{3, 3, 4});
    CHECK(Grid{2, 3, 3, Boundary::cylinder, LatticeKind::cubic}.edges().size() == 2 * 15 + 9);
}

TEST_CASE("small lattices of every name and boundary equal enumeration") {
    for (const char* boundary : {"open", "cylinder", "torus"})
        for (const char* lattice : {"triangular", "honeycomb", "kagome"}) {
            INFO(lattice, " ", boundary);
            const std::string rows = lattice == std::string("honeycomb") ? "2" : "3";
            const std::string columns = lattice == std::string("honeycomb") ? "4" : "3";
            energy_enumeration::check_exact(*make("edwards-anderson", {{"rows", rows},
                                                                       {"columns", columns},
                                                                       {"lattice", lattice},
                                                                       {"boundary", boundary},
                                                                       {"disorder", "gaussian"},
                                                                       {"field", "0.2"}}));
            energy_enumeration::check_exact(*make("potts", {{"states", "3"},
                                                            {"rows", "2"},
                                                            {"columns", columns == "4" ? "2" : "3"},
                                                            {"lattice", lattice},
                                                            {"boundary", boundary},
                                                            {"coupling", "-0.8"},
                                                            {"field", "0.4"}}));
        }
    energy_enumeration::check_exact(
        *make("potts", {{"states", "3"}, {"rows", "2"}, {"columns", "2"}, {"layers", "2"}, {"lattice", "cubic"}}));
}

TEST_CASE("what files said before lattices had names goes on to mean the same") {
    const auto same = [](const char* name, const energy_plugin::Words& before, const energy_plugin::Words& now) {
        const auto old_energy = make(name, before), new_energy = make(name, now);
        CHECK(*old_energy->log_z() == *new_energy->log_z());
    };
    for (const char* name : {"ising", "potts", "edwards-anderson"})
        same(name, {{"rows", "3"}, {"columns", "4"}, {"torus", "false"}},
             {{"rows", "3"}, {"columns", "4"}, {"boundary", "open"}});
    same("edwards-anderson", {{"rows", "2"}, {"columns", "3"}, {"layers", "2"}},
         {{"rows", "2"}, {"columns", "3"}, {"layers", "2"}, {"lattice", "cubic"}});
}

TEST_CASE("lattices whose cells do not fit are refused in a sentence") {
    CHECK(energy_plugin::refusal("edwards-anderson", {{"layers", "2"}, {"lattice", "triangular"}}) ==
          "a triangular lattice has one layer, not 2; set lattice = \"cubic\" or layers = 1");
    CHECK(energy_plugin::refusal("potts", {{"lattice", "kagome"}, {"columns", "7"}}) ==
          "a kagome lattice has three columns to a cell; make columns a multiple of 3, not 7");
    CHECK(energy_plugin::refusal("potts", {{"lattice", "honeycomb"}, {"columns", "5"}}) ==
          "a honeycomb that closes across its columns needs an even number of them, not 5; change it, or the boundary");
    CHECK(energy_plugin::refusal("edwards-anderson", {{"lattice", "honeycomb"}, {"rows", "5"}}) ==
          "a honeycomb that closes across its rows needs an even number of them, not 5; change it, or the boundary");
    CHECK(energy_plugin::refusal("edwards-anderson",
                                 {{"lattice", "honeycomb"}, {"rows", "5"}, {"boundary", "cylinder"}}) == "");
}

}  // namespace lattices_by_name
