#include <doctest/doctest.h>

#include <chrono>
#include <cmath>
#include <iostream>
#include <random>

#include "factor-graph/grid.h"
#include "free-fermions/row_sampler.h"
#include "free-fermions/spin_sum.h"
#include "tests/plugins/energy_enumeration.h"

namespace row_samples {

using energy_enumeration::Enumeration;
using factor_graph::Boundary;
using factor_graph::Grid;
using factor_graph::LatticeKind;
using free_fermions::Bond;
using free_fermions::Sheet;

namespace {

std::vector<Bond> glass(const Grid& grid, double weight, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::normal_distribution<double> normal(0, weight);
    std::vector<Bond> bonds;
    for (const auto& [a, b] : grid.edges()) bonds.push_back({a, b, normal(random)});
    return bonds;
}

double log_f(const std::vector<Bond>& bonds, marginalia::State x) {
    double sum = 0;
    for (const Bond& bond : bonds) sum += x[bond.a] == x[bond.b] ? bond.weight : -bond.weight;
    return sum;
}

}  // namespace

TEST_CASE("row by row every state is drawn as often as it should be (4 sigma), open and cylinders, tall and wide") {
    for (const Boundary boundary : {Boundary::open, Boundary::cylinder})
        for (const LatticeKind kind : {LatticeKind::square, LatticeKind::honeycomb})
            for (const auto& [rows, columns] : {std::pair{2, 4}, {4, 2}, {3, 3}, {1, 6}, {6, 1}}) {
                if (kind == LatticeKind::honeycomb && (columns != 4 && rows != 4)) continue;
                INFO(rows, "x", columns, boundary == Boundary::open ? " open" : " cylinder");
                const Grid grid{1, rows, columns, boundary, kind};
                const std::vector<Bond> bonds = glass(grid, 0.8, 11);
                const auto sum = free_fermions::spin_sum(rows, columns, bonds);
                const auto states = sum->samples(20000, 5);
                REQUIRE(states);
                const Enumeration all(grid.sites(), 2, [&](marginalia::State x) { return log_f(bonds, x); });
                CHECK(std::abs(chi_square_sigma(all, *states)) < 4);
            }
}

TEST_CASE("the conditionals of a drawn state multiply to f / Z") {
    for (const Boundary boundary : {Boundary::open, Boundary::cylinder})
        for (const double beta : {0.5, 1.0, 2.0}) {
            const Grid grid{1, 20, 12, boundary, LatticeKind::square};
            const std::vector<Bond> bonds = glass(grid, beta, 3);
            const Sheet sheet = *Sheet::of(20, 12, bonds);
            const free_fermions::RowSampler sampler(sheet);
            const double log_z = *free_fermions::spin_sum(20, 12, bonds)->log_z();
            marginalia::FastRandom random(1);
            for (int state = 0; state < 5; ++state) {
                const auto draw = sampler.draw(random);
                CHECK(draw.log_p == doctest::Approx(sheet.log_f(draw.spins) - log_z).epsilon(1e-7));
            }
        }
}

TEST_CASE("a glass too wide for elimination has independent states, whose energies have the exact mean (4 sigma)") {
    const auto glass = energy_plugin::make("edwards-anderson",
                                           {{"rows", "24"}, {"columns", "25"}, {"boundary", "open"}, {"beta", "1.2"}});
    const auto start = std::chrono::steady_clock::now();
    const auto states = glass->reference_samples(300, 7);
    REQUIRE(states);
    std::cout << "24x25 glass: 300 states in "
              << std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() << " s\n";
    CHECK(states->exact);
    CHECK(states->how == "independent, row by row by free fermions");
    double sum = 0, squares = 0;
    for (std::size_t row = 0; row < 300; ++row) {
        const double value = glass->log_density(marginalia::State(states->rows).subspan(row * 600, 600));
        sum += value / 300, squares += value * value / 300;
    }
    CHECK(std::abs(sum - (*glass->log_z() - *glass->entropy())) < 4 * std::sqrt((squares - sum * sum) / 300));
    const auto fewer = glass->reference_samples(2, 7);
    CHECK(std::equal(fewer->rows.begin(), fewer->rows.end(), states->rows.begin()));
    CHECK(glass->reference_samples(2, 8)->rows != fewer->rows);
}

TEST_CASE("states that would take hours, or that rounding has spoilt, are not offered") {
    const Grid wide{1, 100, 100, Boundary::open, LatticeKind::square};
    CHECK(!free_fermions::spin_sum(100, 100, glass(wide, 1, 1))->samples(1000, 0));
    const Grid frozen{1, 20, 20, Boundary::open, LatticeKind::square};
    CHECK(!free_fermions::spin_sum(20, 20, glass(frozen, 500, 1))->samples(1, 0));
    const Grid triangles{1, 20, 20, Boundary::open, LatticeKind::triangular};
    CHECK(!free_fermions::spin_sum(20, 20, glass(triangles, 1, 1))->samples(1, 0));
}

}  // namespace row_samples
