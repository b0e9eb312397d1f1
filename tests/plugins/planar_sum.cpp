#include <doctest/doctest.h>

#include <chrono>
#include <iostream>
#include <numbers>
#include <random>

#include "factor-graph/exact_sums.h"
#include "free-fermions/planar_sum.h"
#include "tests/plugins/energy_enumeration.h"

namespace planar_sums {

using energy_enumeration::Bytes;
using energy_enumeration::Enumeration;
using free_fermions::Bond;
using free_fermions::PlanarSum;

namespace {

struct Shape {
    std::uint32_t rows, columns;
    bool ring;       // the columns
    bool triangles;  // also a bond down to the left
};

std::vector<Bond> bonds_of(const Shape& shape, auto weight) {
    std::vector<Bond> bonds;
    const bool ring = shape.ring && shape.columns > 2;
    for (std::uint32_t row = 0; row < shape.rows; ++row)
        for (std::uint32_t column = 0; column < shape.columns; ++column) {
            const std::uint32_t first = row * shape.columns, site = first + column, n = shape.columns;
            if (ring || column + 1 < n) bonds.push_back({site, first + (column + 1) % n, weight()});
            if (row + 1 == shape.rows) continue;
            bonds.push_back({site, site + n, weight()});
            if (shape.triangles && (ring || column > 0))
                bonds.push_back({site, first + n + (column + n - 1) % n, weight()});
        }
    return bonds;
}

auto constant(double weight) {
    return [weight] { return weight; };
}

auto normal(double scale, std::uint64_t seed) {
    return [random = std::mt19937_64(seed), scale]() mutable {
        return std::normal_distribution<double>(0, scale)(random);
    };
}

auto signs(double scale, std::uint64_t seed) {
    return [random = std::mt19937_64(seed), scale]() mutable { return random() % 2 ? scale : -scale; };
}

std::unique_ptr<const PlanarSum> sum_of(const Shape& shape, const auto& weight) {
    return PlanarSum::if_fits(shape.rows * shape.columns, bonds_of(shape, weight), shape.columns);
}

factor_graph::Model model_of(std::size_t sites, const std::vector<Bond>& bonds) {
    factor_graph::Model model;
    model.cardinalities.assign(sites, 2);
    for (const Bond& bond : bonds)
        model.factors.emplace_back(std::vector{bond.a, bond.b},
                                   std::vector{bond.weight, -bond.weight, -bond.weight, bond.weight});
    return model;
}

void check_by_enumeration(std::size_t sites, const std::vector<Bond>& bonds, std::size_t columns) {
    const auto sum = PlanarSum::if_fits(sites, bonds, columns);
    REQUIRE(sum);
    const factor_graph::Model model = model_of(sites, bonds);
    const Enumeration all(sites, 2, [&](marginalia::State x) { return model.log_f(x); });
    CHECK(*sum->log_z() == doctest::Approx(all.log_z()).epsilon(1e-12));
    CHECK(*sum->entropy() == doctest::Approx(all.entropy()).epsilon(1e-10));
}

// What a row adds to log Z and to the mean of log f far from both ends of a cylinder.
struct RowTerms {
    double log_z, mean_log_f;
};

RowTerms row_terms(std::uint32_t width, std::uint32_t rows, double weight, bool triangles) {
    const auto less = sum_of({rows, width, true, triangles}, constant(weight));
    const auto more = sum_of({rows + 1, width, true, triangles}, constant(weight));
    const double log_z = *more->log_z() - *less->log_z();
    return {log_z, log_z - (*more->entropy() - *less->entropy())};
}

double seconds_of(const auto& work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

TEST_CASE("planar sums equal enumeration: squares and triangles, open and rings, any size and sign") {
    for (const auto& [rows, columns] :
         {std::pair{1u, 1u}, {1u, 2u}, {2u, 1u}, {1u, 6u}, {6u, 1u}, {2u, 2u}, {3u, 3u}, {3u, 4u}, {4u, 3u}, {2u, 6u}})
        for (const bool ring : {false, true})
            for (const bool triangles : {false, true}) {
                INFO(rows, "x", columns, ring ? " ring" : "", triangles ? " triangles" : "");
                const Shape shape{rows, columns, ring, triangles};
                check_by_enumeration(rows * columns, bonds_of(shape, normal(1.2, rows * 10 + columns)), columns);
                check_by_enumeration(rows * columns, bonds_of(shape, signs(3, columns)), columns);
            }
}

TEST_CASE(
    "planar sums of graphs that are no lattice: a tree, a wheel, the complete graph of four, sites without bonds") {
    check_by_enumeration(7, {{0, 1, 0.3}, {0, 2, -0.5}, {1, 3, 0.7}, {1, 4, 1.1}, {2, 5, -2}, {2, 6, 0.1}}, 7);
    check_by_enumeration(4, {{0, 1, 0.3}, {0, 2, -0.5}, {0, 3, 0.7}, {1, 2, 1.1}, {1, 3, -0.8}, {2, 3, 0.4}}, 4);
    std::vector<Bond> wheel;
    for (std::uint32_t spoke = 1; spoke <= 6; ++spoke) {
        wheel.push_back({0, spoke, 0.4 * spoke - 1});
        wheel.push_back({spoke, spoke % 6 + 1, 0.9});
    }
    check_by_enumeration(7, wheel, 7);
    check_by_enumeration(3, {}, 3);
    check_by_enumeration(4, {{1, 3, -0.7}}, 2);
    check_by_enumeration(3, {{0, 1, 0}, {1, 2, 0.5}}, 3);
}

TEST_CASE("there is no planar sum of the complete graph of five or of a torus, nor of what would take hours") {
    std::vector<Bond> complete;
    for (std::uint32_t a = 0; a < 5; ++a)
        for (std::uint32_t b = 0; b < a; ++b) complete.push_back({a, b, 0.1});
    CHECK(!PlanarSum::if_fits(5, complete, 5));
    std::vector<Bond> torus = bonds_of({4, 4, true, false}, constant(0.2));
    for (std::uint32_t column = 0; column < 4; ++column) torus.push_back({12 + column, column, 0.2});
    CHECK(!PlanarSum::if_fits(16, torus, 4));
    CHECK(sum_of({256, 256, false, false}, constant(0.2)));
    CHECK(!sum_of({300, 300, false, false}, constant(0.2)));
}

TEST_CASE("planar sums equal variable elimination on glasses of medium size, down to low temperature") {
    for (const auto& [shape, columns] : {std::pair{Shape{16, 16, false, false}, 16},
                                         {Shape{60, 9, false, true}, 9},
                                         {Shape{9, 60, false, false}, 60},
                                         {Shape{40, 8, true, false}, 8}})
        for (const double beta : {0.3, 1.0, 3.0})
            for (const bool gaussian : {false, true}) {
                INFO(shape.rows, "x", shape.columns, ", beta ", beta, gaussian ? " gaussian" : " pm1");
                const std::vector<Bond> bonds =
                    gaussian ? bonds_of(shape, normal(beta, 7)) : bonds_of(shape, signs(beta, 7));
                const std::size_t sites = shape.rows * shape.columns;
                const factor_graph::Model model = model_of(sites, bonds);
                const auto exact = factor_graph::ExactSums::if_fits(model);
                const auto planar = PlanarSum::if_fits(sites, bonds, static_cast<std::size_t>(columns));
                REQUIRE(exact);
                REQUIRE(planar);
                CHECK(*planar->log_z() == doctest::Approx(exact->log_z()).epsilon(1e-10));
                CHECK(std::abs(*planar->entropy() - exact->entropy()) < 1e-9 * exact->log_z());
            }
}

TEST_CASE("far from its ends a row of a square cylinder adds what Kaufman's row matrix has as largest eigenvalue") {
    const std::uint32_t width = 64;
    for (const double coupling : {0.3, 0.6}) {
        // log Lambda = W/2 log(2 sinh 2K) + 1/2 sum of gamma_k, cosh gamma_k = cosh 2K coth 2K - cos(pi k / W), k odd.
        double expected = width / 2.0 * std::log(2 * std::sinh(2 * coupling));
        for (std::uint32_t k = 1; k < 2 * width; k += 2)
            expected += 0.5 * std::acosh(std::cosh(2 * coupling) / std::tanh(2 * coupling) -
                                         std::cos(std::numbers::pi * k / width));
        CHECK(row_terms(width, 64, coupling, false).log_z == doctest::Approx(expected).epsilon(1e-11));
    }
}

TEST_CASE("critical energies of infinite lattices: 1 / sqrt 2 a bond of squares, 2 / 3 of triangles") {
    const double square = std::log(1 + std::numbers::sqrt2) / 2, triangular = std::log(3) / 4;
    CHECK(row_terms(32, 128, square, false).mean_log_f / (2 * 32 * square) ==
          doctest::Approx(std::numbers::sqrt2 / 2).epsilon(1e-6));
    CHECK(row_terms(32, 128, triangular, true).mean_log_f / (3 * 32 * triangular) ==
          doctest::Approx(2.0 / 3).epsilon(1e-6));
}

TEST_CASE("the triangular antiferromagnet keeps an entropy of 0.3231 a site (G. H. Wannier, 1950)") {
    // A strip of width W has pi sqrt 3 / (12 W^2) more, its central charge being 1.
    const RowTerms row = row_terms(24, 120, -4, true);
    const double more = std::numbers::pi * std::numbers::sqrt3 / (12 * 24 * 24);
    CHECK(std::abs((row.log_z - row.mean_log_f) / 24 - 0.3230659669 - more) < 1e-4);
}

TEST_CASE("64x64: turning spins changes nothing, and a glass has its log Z in seconds") {
    std::vector<Bond> bonds = bonds_of({64, 64, false, false}, constant(0.44));
    const auto plain = PlanarSum::if_fits(4096, bonds, 64);
    std::mt19937_64 random(3);
    std::vector<int> turned(4096);
    for (int& spin : turned) spin = random() % 2 ? 1 : -1;
    for (Bond& bond : bonds) bond.weight *= turned[bond.a] * turned[bond.b];
    const auto turned_sum = PlanarSum::if_fits(4096, bonds, 64);
    CHECK(*turned_sum->log_z() == doctest::Approx(*plain->log_z()).epsilon(1e-12));
    CHECK(*turned_sum->entropy() == doctest::Approx(*plain->entropy()).epsilon(1e-10));
    for (const double beta : {1.0, 3.0}) {
        const auto glass = sum_of({64, 64, false, false}, signs(beta, 5));
        std::cout << "64x64 glass, beta " << beta << ": log Z in " << seconds_of([&] { glass->log_z(); })
                  << " s, entropy in " << seconds_of([&] { glass->entropy(); }) << " s\n";
        CHECK(glass->log_z());
        CHECK(glass->entropy());
    }
}

TEST_CASE("where rounding leaves too little of a planar sum, there is none") {
    const auto frozen = sum_of({20, 20, false, false}, signs(1000, 1));
    REQUIRE(frozen);
    CHECK(!frozen->log_z());
    CHECK(!frozen->entropy());
}

}  // namespace planar_sums
