#include <doctest/doctest.h>

#include <numbers>
#include <random>

#include "factor-graph/exact_sums.h"
#include "factor-graph/frontier_sum.h"
#include "factor-graph/grid.h"
#include "free-fermions/planar_sum.h"
#include "tests/plugins/energy_enumeration.h"

namespace wide_lattices {

using energy_plugin::make;
using factor_graph::Boundary;
using factor_graph::EqualityModel;
using factor_graph::FrontierSum;
using factor_graph::Grid;
using factor_graph::LatticeKind;
using free_fermions::PlanarSum;

namespace {

constexpr LatticeKind two_dimensional[] = {LatticeKind::square, LatticeKind::triangular, LatticeKind::honeycomb,
                                           LatticeKind::kagome};
constexpr Boundary boundaries[] = {Boundary::open, Boundary::cylinder, Boundary::torus};

EqualityModel random_model(const Grid& grid, std::size_t values, double field, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::normal_distribution<double> normal;
    EqualityModel model{values, static_cast<std::size_t>(grid.sites()), {}, field, 0.25};
    for (const auto& [a, b] : grid.edges()) model.edges.push_back({a, b, normal(random)});
    return model;
}

// The same as factors, for variable elimination; the constant is left out.
factor_graph::Model factors_of(const EqualityModel& equality) {
    factor_graph::Model model;
    const auto q = static_cast<std::uint32_t>(equality.values);
    model.cardinalities.assign(equality.sites, q);
    model.unknown = static_cast<std::uint8_t>(q);
    for (const EqualityModel::Edge& edge : equality.edges) {
        std::vector<double> table(q * q, 0.0);
        for (std::uint32_t value = 0; value < q; ++value) table[value * (q + 1)] = edge.weight;
        model.factors.emplace_back(std::vector{edge.a, edge.b}, std::move(table));
    }
    std::vector<double> zero(q, 0.0);
    zero[0] = equality.field;
    for (std::uint32_t site = 0; site < equality.sites; ++site) model.factors.emplace_back(std::vector{site}, zero);
    return model;
}

// s_a s_b = 2 [s_a = s_b] - 1: the same model for values 2 without field, but for what is added to every log f.
std::vector<free_fermions::Bond> bonds_of(const EqualityModel& equality, double& added) {
    std::vector<free_fermions::Bond> bonds;
    added = equality.constant;
    for (const EqualityModel::Edge& edge : equality.edges) {
        bonds.push_back({edge.a, edge.b, edge.weight / 2});
        added += edge.weight / 2;
    }
    return bonds;
}

double energy_of_a_bond(LatticeKind kind, std::int64_t width, std::int64_t rows, std::int64_t more, double coupling) {
    double mean[2], bonds[2];
    for (const int i : {0, 1}) {
        const Grid grid{1, rows + i * more, width, Boundary::cylinder, kind};
        std::vector<free_fermions::Bond> all;
        for (const auto& [a, b] : grid.edges()) all.push_back({a, b, coupling});
        const auto sum = PlanarSum::if_fits(grid.sites(), all, grid.columns);
        REQUIRE(sum);
        mean[i] = (*sum->log_z() - *sum->entropy()) / coupling;
        bonds[i] = static_cast<double>(all.size());
    }
    return (mean[1] - mean[0]) / (bonds[1] - bonds[0]);
}

}  // namespace

TEST_CASE("the transfer matrix equals variable elimination on every lattice, at any number of values, with a field") {
    for (const LatticeKind kind : two_dimensional)
        for (const Boundary boundary : boundaries)
            for (const std::size_t values : {2, 3}) {
                INFO(static_cast<int>(kind), " ", static_cast<int>(boundary), " ", values);
                const Grid grid{1, 4, 6, boundary, kind};
                const EqualityModel model = random_model(grid, values, 0.4, values);
                const auto sum = FrontierSum::if_fits(model, 6);
                REQUIRE(sum);
                const factor_graph::Model factors = factors_of(model);
                const auto exact = factor_graph::ExactSums::if_fits(factors);
                REQUIRE(exact);
                CHECK(*sum->log_z() == doctest::Approx(exact->log_z() + 0.25).epsilon(1e-12));
                CHECK(*sum->entropy() == doctest::Approx(exact->entropy()).epsilon(1e-11));
            }
    for (const auto& [grid, values] : {std::pair{Grid{3, 3, 3, Boundary::cylinder, LatticeKind::cubic}, 2},
                                       {Grid{1, 5, 4, Boundary::open, LatticeKind::square}, 7}}) {
        const EqualityModel model = random_model(grid, static_cast<std::size_t>(values), -0.7, 3);
        const factor_graph::Model factors = factors_of(model);
        CHECK(*FrontierSum::if_fits(model, grid.columns)->log_z() ==
              doctest::Approx(factor_graph::ExactSums::if_fits(factors)->log_z() + 0.25).epsilon(1e-12));
    }
}

TEST_CASE("strong weights stay within a double's range, and what could leave it is not offered") {
    const Grid grid{1, 30, 4, Boundary::open};
    EqualityModel model{3, 120, {}, 0};
    for (const auto& [a, b] : grid.edges()) model.edges.push_back({a, b, 30.0});
    const double edges = static_cast<double>(model.edges.size());
    CHECK(*FrontierSum::if_fits(model, 4)->log_z() == doctest::Approx(30 * edges + std::log(3)).epsilon(1e-14));
    for (EqualityModel::Edge& edge : model.edges) edge.weight = -30;  // as many colourings as there are
    CHECK(*FrontierSum::if_fits(model, 4)->log_z() > 0);
    CHECK(*FrontierSum::if_fits(model, 4)->entropy() ==
          doctest::Approx(*FrontierSum::if_fits(model, 4)->log_z()).epsilon(1e-9));
    for (EqualityModel::Edge& edge : model.edges) edge.weight = 40;
    CHECK(!FrontierSum::if_fits(model, 4));
}

TEST_CASE("planar sums equal the transfer matrix on every lattice that is open or a cylinder") {
    for (const LatticeKind kind : two_dimensional)
        for (const Boundary boundary : {Boundary::open, Boundary::cylinder})
            for (const auto& [rows, columns] : {std::pair{12, 12}, {20, 6}, {5, 18}}) {
                INFO(static_cast<int>(kind), " ", static_cast<int>(boundary), " ", rows, "x", columns);
                const Grid grid{1, rows, columns, boundary, kind};
                const EqualityModel model = random_model(grid, 2, 0, 17);
                double added = 0;
                const auto planar = PlanarSum::if_fits(grid.sites(), bonds_of(model, added), columns);
                const auto transfer = FrontierSum::if_fits(model, columns);
                REQUIRE(planar);
                REQUIRE(transfer);
                CHECK(*planar->log_z() + added == doctest::Approx(*transfer->log_z()).epsilon(1e-12));
                CHECK(*planar->entropy() == doctest::Approx(*transfer->entropy()).epsilon(1e-10));
            }
    for (const LatticeKind kind : two_dimensional) {
        double added = 0;
        const Grid grid{1, 6, 12, Boundary::torus, kind};
        CHECK(!PlanarSum::if_fits(grid.sites(), bonds_of(random_model(grid, 2, 0, 1), added), 12));
    }
}

TEST_CASE("critical energies of infinite lattices: 4 / sqrt 27 a bond of honeycomb, 1 / 6 + 1 / sqrt 3 of kagome") {
    CHECK(energy_of_a_bond(LatticeKind::honeycomb, 32, 120, 2, std::acosh(2) / 2) ==
          doctest::Approx(4 / std::sqrt(27)).epsilon(1e-5));
    CHECK(energy_of_a_bond(LatticeKind::kagome, 48, 60, 1, std::log(3 + 2 * std::numbers::sqrt3) / 4) ==
          doctest::Approx(1.0 / 6 + 1 / std::numbers::sqrt3).epsilon(1e-5));
}

TEST_CASE("wide lattices: log Z and entropy in seconds, no marginals, and nothing where no method is right") {
    const auto glass = make("edwards-anderson", {{"rows", "40"}, {"columns", "40"}, {"boundary", "open"}});
    REQUIRE(glass->log_z());
    CHECK(*glass->entropy() > 0);
    double value = 0;
    CHECK(!glass->log_marginals({energy_enumeration::Bytes(1600, 2), 1600}, {&value, 1}));
    CHECK(!make("edwards-anderson", {{"rows", "40"}, {"columns", "40"}, {"boundary", "open"}, {"field", "0.1"}})
               ->log_z());
    CHECK(!make("edwards-anderson", {{"rows", "40"}, {"columns", "42"}, {"lattice", "kagome"}})->log_z());
}

TEST_CASE(
    "Potts of two values is Ising on a lattice too long for elimination, with a field, by both transfer matrices") {
    const auto potts = make("potts", {{"states", "2"},
                                      {"rows", "16"},
                                      {"columns", "300"},
                                      {"boundary", "open"},
                                      {"coupling", "0.8"},
                                      {"field", "0.02"}});
    const auto ising = make(
        "ising", {{"rows", "16"}, {"columns", "300"}, {"boundary", "open"}, {"coupling", "0.4"}, {"field", "-0.01"}});
    double value = 0;
    REQUIRE(!potts->log_marginals({energy_enumeration::Bytes(4800, 2), 4800}, {&value, 1}));
    CHECK(*potts->log_z() ==
          doctest::Approx(*ising->log_z() + 0.4 * (15 * 300 + 16 * 299) + 0.01 * 4800).epsilon(1e-12));
    CHECK(*potts->entropy() == doctest::Approx(*ising->entropy()).epsilon(1e-8));
}

TEST_CASE("ising: a cylinder and an open lattice too wide for its transfer matrix equal the glass of equal bonds") {
    for (const char* boundary : {"open", "cylinder"}) {
        const auto ising = make(
            "ising", {{"rows", "17"}, {"columns", "17"}, {"coupling", "0.44"}, {"field", "0"}, {"boundary", boundary}});
        const auto glass = make(
            "edwards-anderson",
            {{"rows", "17"}, {"columns", "17"}, {"beta", "0.44"}, {"disorder", "ferromagnet"}, {"boundary", boundary}});
        CHECK(*ising->log_z() == doctest::Approx(*glass->log_z()).epsilon(1e-12));
        CHECK(*ising->entropy() == doctest::Approx(*glass->entropy()).epsilon(1e-10));
    }
    CHECK(!make("ising", {{"rows", "17"}, {"columns", "17"}, {"field", "0.1"}, {"boundary", "cylinder"}})->log_z());
}

TEST_CASE("cluster chains on triangles have the exact mean of log f, log Z - entropy (4 sigma)") {
    const auto potts = make("potts", {{"states", "2"},
                                      {"rows", "24"},
                                      {"columns", "24"},
                                      {"lattice", "triangular"},
                                      {"boundary", "cylinder"},
                                      {"coupling", "0.54"}});
    const auto glass = make("edwards-anderson", {{"rows", "24"},
                                                 {"columns", "24"},
                                                 {"lattice", "triangular"},
                                                 {"boundary", "cylinder"},
                                                 {"beta", "0.27"},
                                                 {"disorder", "ferromagnet"}});
    const auto samples = potts->reference_samples(2000, 1);
    REQUIRE(samples);
    double sum = 0, squares = 0;
    for (std::size_t row = 0; row < 2000; ++row) {
        const double log_f = glass->log_density(marginalia::State(samples->rows).subspan(row * 576, 576));
        sum += log_f / 2000, squares += log_f * log_f / 2000;
    }
    CAPTURE(samples->how);
    CHECK(std::abs(sum - (*glass->log_z() - *glass->entropy())) < 4 * std::sqrt((squares - sum * sum) / 2000));
}

}  // namespace wide_lattices
