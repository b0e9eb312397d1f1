#include <doctest/doctest.h>

#include <chrono>
#include <cmath>
#include <iostream>
#include <random>

#include "factor-graph/exact_sums.h"
#include "factor-graph/grid.h"
#include "free-fermions/toroidal_sum.h"
#include "plugins/energies/ising/torus_sum.h"
#include "tests/plugins/energy_enumeration.h"

namespace toroidal_sums {

using energy_enumeration::Enumeration;
using factor_graph::Boundary;
using factor_graph::Grid;
using factor_graph::LatticeKind;
using free_fermions::Bond;
using free_fermions::Sheet;
using free_fermions::ToroidalSum;

namespace {

// Bonds of +weight or -weight, or normal ones of that scale.
std::vector<Bond> glass(const Grid& grid, double weight, bool gaussian, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::normal_distribution<double> normal(0, weight);
    std::vector<Bond> bonds;
    for (const auto& [a, b] : grid.edges())
        bonds.push_back({a, b, gaussian ? normal(random) : random() % 2 ? weight : -weight});
    return bonds;
}

std::vector<Bond> equal_bonds(const Grid& grid, double weight) {
    std::vector<Bond> bonds;
    for (const auto& [a, b] : grid.edges()) bonds.push_back({a, b, weight});
    return bonds;
}

std::unique_ptr<const ToroidalSum> sum_of(const Grid& grid, const std::vector<Bond>& bonds) {
    return ToroidalSum::if_fits(
        *Sheet::of(static_cast<std::size_t>(grid.rows), static_cast<std::size_t>(grid.columns), bonds));
}

factor_graph::Model model_of(const Grid& grid, const std::vector<Bond>& bonds) {
    factor_graph::Model model;
    model.cardinalities.assign(grid.sites(), 2);
    for (const Bond& bond : bonds)
        model.factors.emplace_back(std::vector{bond.a, bond.b},
                                   std::vector{bond.weight, -bond.weight, -bond.weight, bond.weight});
    return model;
}

double seconds_of(const auto& work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

TEST_CASE("sums over small tori equal enumeration: squares and honeycombs, any disorder") {
    for (const LatticeKind kind : {LatticeKind::square, LatticeKind::honeycomb})
        for (const auto& [rows, columns] : {std::pair{3, 3}, {3, 4}, {4, 3}, {2, 6}, {6, 2}, {2, 3}, {1, 5}, {2, 2}})
            for (const bool gaussian : {false, true}) {
                if (kind == LatticeKind::honeycomb && (rows % 2 != 0 || columns % 2 != 0)) continue;
                INFO(rows, "x", columns, kind == LatticeKind::square ? " squares" : " honeycomb");
                const Grid grid{1, rows, columns, Boundary::torus, kind};
                for (const std::uint64_t seed : {1, 2, 3, 4}) {
                    const std::vector<Bond> bonds = glass(grid, 1.3, gaussian, seed);
                    const factor_graph::Model model = model_of(grid, bonds);
                    const Enumeration all(grid.sites(), 2, [&](marginalia::State x) { return model.log_f(x); });
                    const auto sum = sum_of(grid, bonds);
                    CHECK(*sum->log_z() == doctest::Approx(all.log_z()).epsilon(1e-12));
                    CHECK(*sum->entropy() == doctest::Approx(all.entropy()).epsilon(1e-9));
                }
            }
}

TEST_CASE("sums over tori equal variable elimination, down to low temperature, where they are not offered at worst") {
    int offered = 0;
    for (const auto& [rows, columns] : {std::pair{8, 8}, {9, 7}, {5, 30}})
        for (const double beta : {0.3, 1.0, 3.0})
            for (const bool gaussian : {false, true})
                for (const std::uint64_t seed : {1, 2}) {
                    INFO(rows, "x", columns, " beta ", beta, gaussian ? " gaussian" : " pm1", " seed ", seed);
                    const Grid grid{1, rows, columns, Boundary::torus, LatticeKind::square};
                    const std::vector<Bond> bonds = glass(grid, beta, gaussian, seed);
                    const factor_graph::Model model = model_of(grid, bonds);
                    const auto exact = factor_graph::ExactSums::if_fits(model);
                    const auto sum = sum_of(grid, bonds);
                    REQUIRE(exact);
                    if (beta == 3 && !sum->log_z()) continue;
                    ++offered;
                    CHECK(std::abs(*sum->log_z() - exact->log_z()) < 2e-8 * exact->log_z());
                    if (beta < 3 || sum->entropy())
                        CHECK(std::abs(*sum->entropy() - exact->entropy()) < 2e-8 * exact->log_z());
                    if (beta < 3) CHECK(*sum->log_z() == doctest::Approx(exact->log_z()).epsilon(1e-11));
                }
    CHECK(offered >= 30);  // of 36
    const Grid odd{1, 9, 9, Boundary::torus, LatticeKind::square};
    const std::vector<Bond> bonds = equal_bonds(odd, -0.4);
    const factor_graph::Model model = model_of(odd, bonds);
    CHECK(*sum_of(odd, bonds)->log_z() ==
          doctest::Approx(factor_graph::ExactSums::if_fits(model)->log_z()).epsilon(1e-9));
}

TEST_CASE("sums over tori of equal bonds equal Kaufman's closed form") {
    for (const auto& [rows, columns] : {std::pair{16, 16}, {20, 31}, {25, 21}})
        for (const double coupling : {0.2, 0.4407, 0.6, -0.2}) {
            if (coupling > 0.5 && columns > 21) continue;  // too far below the transition
            INFO(rows, "x", columns, ", coupling ", coupling);
            const Grid grid{1, rows, columns, Boundary::torus, LatticeKind::square};
            const auto closed = ising::sum_over_torus({rows, columns, coupling, 0, Boundary::torus});
            const auto sum = sum_of(grid, equal_bonds(grid, coupling));
            REQUIRE(closed);
            CHECK(*sum->log_z() == doctest::Approx(closed->log_z).epsilon(1e-12));
            CHECK(*sum->entropy() == doctest::Approx(closed->entropy).epsilon(1e-9));
        }
}

TEST_CASE("a 32x32 torus: turning spins changes nothing, a glass has log Z in seconds") {
    const Grid grid{1, 32, 32, Boundary::torus, LatticeKind::square};
    std::mt19937_64 random(3);
    std::vector<int> turned(1024);
    for (int& spin : turned) spin = random() % 2 ? 1 : -1;
    std::vector<Bond> bonds = equal_bonds(grid, 0.5);
    for (Bond& bond : bonds) bond.weight *= turned[bond.a] * turned[bond.b];
    const auto closed = ising::sum_over_torus({32, 32, 0.5, 0, Boundary::torus});
    CHECK(*sum_of(grid, bonds)->log_z() == doctest::Approx(closed->log_z).epsilon(1e-12));
    for (const double beta : {1.0, 2.0}) {
        const auto sum = sum_of(grid, glass(grid, beta, false, 5));
        std::cout << "32x32 torus, glass, beta " << beta << ": log Z in " << seconds_of([&] { CHECK(sum->log_z()); })
                  << " s\n";
    }
}

TEST_CASE("there is no such sum of what is no rectangle of neighbours, nor of what would take hours") {
    const Grid triangles{1, 6, 6, Boundary::torus, LatticeKind::triangular};
    CHECK(!Sheet::of(6, 6, equal_bonds(triangles, 0.2)));
    const Grid cubes{3, 3, 3, Boundary::torus, LatticeKind::cubic};
    CHECK(!Sheet::of(9, 3, equal_bonds(cubes, 0.2)));
    const Grid wide{1, 130, 130, Boundary::torus, LatticeKind::square};
    CHECK(!sum_of(wide, equal_bonds(wide, 0.2)));
}

}  // namespace toroidal_sums
