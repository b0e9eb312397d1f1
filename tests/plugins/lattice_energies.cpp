#include <doctest/doctest.h>

#include <chrono>
#include <iostream>

#include "edwards-anderson/bonds.h"
#include "lattice-chains/clusters.h"
#include "tests/plugins/energy_enumeration.h"

using energy_enumeration::Bytes;
using energy_plugin::make;
using factor_graph::Boundary;
using factor_graph::LatticeKind;

namespace {

double seconds_of(const auto& work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::vector<double> strengths(const factor_graph::Grid& grid, const std::string& disorder, std::uint64_t seed) {
    std::vector<double> all;
    for (const auto& bond : edwards_anderson::draw_bonds(grid, disorder, seed)) all.push_back(bond.strength);
    return all;
}

struct Means {
    double mean, error;
};

// Of log f over rows of states, as if these were independent.
Means mean_log_f(const marginalia::Energy& energy, const Bytes& rows) {
    const auto sites = static_cast<std::size_t>(energy.sites());
    const auto count = static_cast<double>(rows.size() / sites);
    double sum = 0, squares = 0;
    for (std::size_t first = 0; first < rows.size(); first += sites) {
        const double log_f = energy.log_density(marginalia::State(rows).subspan(first, sites));
        sum += log_f, squares += log_f * log_f;
    }
    return {sum / count, std::sqrt((squares / count - sum / count * sum / count) / count)};
}

std::vector<double> observed(const marginalia::Energy& energy, const Bytes& x) {
    std::vector<double> values(energy.observables().size());
    energy.observe(x, values);
    return values;
}

}  // namespace

TEST_CASE("all bonds +1 are the Ising model: log Z, entropy and marginals of the transfer matrix") {
    for (const char* boundary : {"torus", "cylinder", "open"}) {
        const auto ising = make(
            "ising", {{"rows", "8"}, {"columns", "6"}, {"coupling", "0.4"}, {"field", "0.1"}, {"boundary", boundary}});
        const auto glass = make("edwards-anderson", {{"rows", "8"},
                                                     {"columns", "6"},
                                                     {"beta", "0.4"},
                                                     {"field", "0.1"},
                                                     {"boundary", boundary},
                                                     {"disorder", "ferromagnet"}});
        CHECK(*glass->log_z() == doctest::Approx(*ising->log_z()).epsilon(1e-12));
        CHECK(*glass->entropy() == doctest::Approx(*ising->entropy()).epsilon(1e-8));
        std::mt19937_64 random(1);
        for (int trial = 0; trial < 10; ++trial) {
            const Bytes x = energy_enumeration::partial_state(48, 2, random);
            double a = 0, b = 1;
            REQUIRE(glass->log_marginals({x, 48}, {&a, 1}));
            REQUIRE(ising->log_marginals({x, 48}, {&b, 1}));
            CHECK(a == doctest::Approx(b).epsilon(1e-10));
        }
    }
}

TEST_CASE("q = 2 Potts is Ising at half the coupling, log Z shifted by coupling / 2 an edge and field / 2 a site") {
    const auto ising = make("ising", {{"rows", "7"}, {"columns", "5"}, {"coupling", "0.3"}, {"field", "-0.1"}});
    const auto potts =
        make("potts", {{"states", "2"}, {"rows", "7"}, {"columns", "5"}, {"coupling", "0.6"}, {"field", "0.2"}});
    CHECK(*potts->log_z() == doctest::Approx(*ising->log_z() + 70 * 0.3 + 35 * 0.1).epsilon(1e-12));
    CHECK(*potts->entropy() == doctest::Approx(*ising->entropy()).epsilon(1e-8));
}

TEST_CASE("a Potts chain has Z = q (e^K + q - 1)^(n - 1), a ring (e^K + q - 1)^n + (q - 1)(e^K - 1)^n") {
    const double k = 0.8, q = 5;
    const auto chain =
        make("potts", {{"states", "5"}, {"rows", "1"}, {"columns", "20"}, {"coupling", "0.8"}, {"boundary", "open"}});
    CHECK(*chain->log_z() == doctest::Approx(std::log(q) + 19 * std::log(std::exp(k) + q - 1)).epsilon(1e-13));
    const auto ring = make("potts", {{"states", "5"}, {"rows", "1"}, {"columns", "20"}, {"coupling", "0.8"}});
    CHECK(*ring->log_z() ==
          doctest::Approx(std::log(std::pow(std::exp(k) + q - 1, 20) + (q - 1) * std::pow(std::exp(k) - 1, 20)))
              .epsilon(1e-13));
}

TEST_CASE("small lattices equal enumeration") {
    energy_enumeration::check_exact(
        *make("edwards-anderson", {{"rows", "3"}, {"columns", "3"}, {"beta", "0.7"}, {"field", "0.2"}}));
    energy_enumeration::check_exact(*make("edwards-anderson", {{"rows", "2"},
                                                               {"columns", "3"},
                                                               {"layers", "2"},
                                                               {"lattice", "cubic"},
                                                               {"disorder", "gaussian"},
                                                               {"boundary", "open"},
                                                               {"disorder_seed", "4"}}));
    energy_enumeration::check_exact(
        *make("potts", {{"rows", "3"}, {"columns", "2"}, {"coupling", "0.9"}, {"field", "-0.3"}}));
    energy_enumeration::check_exact(
        *make("potts", {{"states", "4"}, {"rows", "2"}, {"columns", "2"}, {"coupling", "-1.1"}}));
}

TEST_CASE("bonds are the same on every platform for a seed") {
    const factor_graph::Grid square{1, 2, 3, Boundary::open};
    CHECK(strengths(square, "pm1", 0) == std::vector<double>{1, -1, -1, 1, -1, -1, -1});
    CHECK(strengths(square, "gaussian", 1) ==
          std::vector<double>{-0.034267321694642305, -2.5000674934126437, 0.087722468422725797, -2.0271348480600864,
                              0.22379858233034611, -0.80241028359159827, -1.0820691017434001});
    CHECK(strengths(square, "ferromagnet", 9) == std::vector<double>(7, 1.0));
    CHECK(strengths(square, "pm1", 0) != strengths(square, "pm1", 3));
    const auto many = strengths({10, 20, 20, Boundary::torus, LatticeKind::cubic}, "gaussian",
                                2);  // 12,000 numbers: mean and variance within 4 sigma
    double sum = 0, squares = 0;
    for (const double j : many) sum += j, squares += j * j;
    REQUIRE(many.size() == 12000);
    CHECK(std::abs(sum / 12000) < 4 / std::sqrt(12000.0));
    CHECK(std::abs(squares / 12000 - 1) < 4 * std::sqrt(2 / 12000.0));
    double pm_sum = 0;
    for (const double j : strengths({10, 20, 20, Boundary::torus, LatticeKind::cubic}, "pm1", 2)) pm_sum += j;
    CHECK(std::abs(pm_sum) < 4 * std::sqrt(12000.0));
}

TEST_CASE("cluster chains have the exact mean of log f, log Z - entropy, whatever the field's sign (4 sigma)") {
    for (const char* field : {"0", "0.4", "-0.6"}) {
        const auto potts =
            make("potts", {{"states", "4"}, {"rows", "3"}, {"columns", "4"}, {"coupling", "0.7"}, {"field", field}});
        const auto chains = lattice_chains::cluster_samples(*potts->form(), 12, 4, 20000, 3);
        const Means means = mean_log_f(*potts, chains.rows);
        CAPTURE(chains.how);
        CHECK(std::abs(means.mean - (*potts->log_z() - *potts->entropy())) < 4 * means.error);
        CHECK(chains.r_hat < 1.01);
    }
}

TEST_CASE("a wide Potts lattice offers cluster chains: with q = 2 the energy of the Ising torus (4 sigma)") {
    const auto potts = make("potts", {{"states", "2"}, {"rows", "24"}, {"columns", "24"}, {"coupling", "0.88"}});
    const auto ising = make("ising", {{"rows", "24"}, {"columns", "24"}, {"coupling", "0.44"}, {"field", "0"}});
    REQUIRE(!potts->log_z());
    const auto samples = potts->reference_samples(2000, 1);
    REQUIRE(samples);
    CHECK(!samples->exact);
    CHECK(samples->how.find("8 Swendsen-Wang chains") == 0);
    // log f of Potts is that of Ising and 0.44 for each of the 1,152 edges.
    const Means means = mean_log_f(*potts, samples->rows);
    CHECK(std::abs(means.mean - 0.44 * 1152 - (*ising->log_z() - *ising->entropy())) < 4 * means.error);
    CHECK(!make("potts", {{"rows", "24"}, {"columns", "24"}, {"coupling", "-0.5"}})->reference_samples(1, 0));
}

TEST_CASE("edges join each pair of neighbours once, an extent of 2 or 1 has no second way round") {
    using factor_graph::Grid;
    CHECK(Grid{1, 3, 3, Boundary::torus}.edges().size() == 18);
    CHECK(Grid{1, 3, 3, Boundary::cylinder}.edges().size() == 15);
    CHECK(Grid{1, 3, 3, Boundary::open}.edges().size() == 12);
    CHECK(Grid{3, 3, 3, Boundary::torus, LatticeKind::cubic}.edges().size() == 81);
    CHECK(Grid{2, 2, 2, Boundary::torus, LatticeKind::cubic}.edges().size() == 12);
    CHECK(Grid{1, 1, 5, Boundary::torus}.edges().size() == 5);
    CHECK(Grid{1, 1, 1, Boundary::torus}.edges().empty());
}

TEST_CASE("observables and text") {
    const auto glass =
        make("edwards-anderson",
             {{"rows", "2"}, {"columns", "2"}, {"layers", "2"}, {"lattice", "cubic"}, {"disorder", "ferromagnet"}});
    CHECK(observed(*glass, Bytes(8, 1)) == std::vector<double>{-12.0 / 8, 1, 1});
    CHECK(observed(*glass, {0, 1, 1, 1, 1, 1, 1, 1}) == std::vector<double>{-6.0 / 8, 6.0 / 8, 9.0 / 12});
    CHECK(glass->text(Bytes{0, 1, 2, 1, 1, 1, 0, 0}) == "-+/□+//++/--");
    energy_enumeration::check_text(*glass);
    const auto potts = make(
        "potts",
        {{"states", "3"}, {"rows", "2"}, {"columns", "3"}, {"boundary", "open"}, {"coupling", "2"}, {"field", "1"}});
    CHECK(observed(*potts, {0, 0, 0, 0, 0, 0}) == std::vector<double>{-(7 * 2 + 6) / 6.0, 1, 1});
    CHECK(observed(*potts, {0, 1, 2, 1, 2, 0}) == std::vector<double>{-2 / 6.0, 0, 0});
    CHECK(potts->text(Bytes{0, 1, 2, 3, 2, 0}) == "012/□20");
    energy_enumeration::check_text(*potts);
    energy_enumeration::check_text(*make("potts", {{"states", "12"}, {"rows", "2"}, {"columns", "2"}}));
}

TEST_CASE("what is too large is not offered, or refused in a sentence") {
    const auto large = make("edwards-anderson", {{"rows", "40"}, {"columns", "40"}, {"field", "0.1"}});
    CHECK(!large->log_z().has_value());
    CHECK(!large->entropy().has_value());
    CHECK(!large->reference_samples(1, 0).has_value());
    double value = 0;
    const Bytes x(1600, 2);
    CHECK(!large->log_marginals({x, 1600}, {&value, 1}));
    CHECK(energy_plugin::refusal("potts", {{"rows", "1000"}, {"columns", "1000"}}) ==
          "the lattice has 1000000 sites; make layers * rows * columns at most 300000");
}

TEST_CASE("a 10x10 torus is exact in seconds") {
    const auto glass =
        make("edwards-anderson",
             {{"rows", "10"}, {"columns", "10"}, {"beta", "0.2"}, {"field", "0.2"}, {"disorder", "ferromagnet"}});
    REQUIRE(glass->log_z().has_value());
    CHECK(*glass->log_z() == doctest::Approx(78.688056).epsilon(1e-8));
    CHECK(*glass->entropy() == doctest::Approx(54.295826).epsilon(1e-8));
    // With few sites known an order for what is left is sought anew.
    const auto ising = make("ising");
    for (const std::size_t site : {0u, 37u, 99u}) {
        Bytes x(100, 2);
        x[site] = 1, x[(site + 51) % 100] = 0, x[(site + 8) % 100] = 0;
        double a = 0, b = 1;
        REQUIRE(glass->log_marginals({x, 100}, {&a, 1}));
        REQUIRE(ising->log_marginals({x, 100}, {&b, 1}));
        CHECK(a == doctest::Approx(b).epsilon(1e-10));
    }
    const auto pm = make("edwards-anderson", {{"rows", "10"}, {"columns", "10"}});
    std::cout << "10x10 torus: log Z " << seconds_of([&] { pm->log_z(); }) << " s, entropy "
              << seconds_of([&] { pm->entropy(); }) << " s, 2000 samples "
              << seconds_of([&] { pm->reference_samples(2000, 1); }) << " s\n";
    // Sample means of the energy agree with the exact mean, log Z - entropy (4 sigma).
    const auto samples = pm->reference_samples(2000, 1);
    const Means means = mean_log_f(*pm, samples->rows);
    CHECK(std::abs(means.mean - (*pm->log_z() - *pm->entropy())) < 4 * means.error);
}
