#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <numbers>
#include <random>

#include "plugins/energies/ising/path_sum.h"
#include "plugins/energies/ising/torus_sum.h"
#include "plugins/energies/ising/transfer_matrix.h"
#include "tests/plugins/ising_reference.h"

namespace ising_exact {

using namespace ising_reference;
using ising::sum_over_torus;
using ising::TransferMatrix;

namespace {

std::vector<Lattice> small_lattices() {
    std::vector<Lattice> all;
    for (const auto& [rows, columns] :
         {std::pair{3, 3}, {4, 4}, {3, 5}, {5, 3}, {2, 4}, {4, 2}, {2, 2}, {1, 6}, {6, 1}, {1, 2}, {1, 1}, {2, 7}})
        for (const Boundary boundary : {Boundary::open, Boundary::cylinder, Boundary::torus})
            for (const auto& [coupling, field] : {std::pair{0.2, 0.2}, {-0.7, 0.3}, {0.0, -1.1}, {1.5, 0.0}})
                all.push_back({rows, columns, coupling, field, boundary});
    return all;
}

std::vector<std::size_t> shuffled(std::size_t size, std::mt19937_64& random) {
    std::vector<std::size_t> order(size);
    for (std::size_t i = 0; i < size; ++i) order[i] = i;
    std::shuffle(order.begin(), order.end(), random);
    return order;
}

// A random partial state with a random number of known sites.
Bytes partial_state(std::int64_t sites, std::mt19937_64& random) {
    Bytes x(sites);
    const std::uint64_t known = random() % (sites + 1);
    for (std::uint8_t& symbol : x) symbol = random() % static_cast<std::uint64_t>(sites) < known ? random() % 2 : 2;
    return x;
}

std::string name_of(const Lattice& l) {
    constexpr const char* words[] = {" open", " cylinder", " torus"};
    return std::to_string(l.rows) + "x" + std::to_string(l.columns) + words[static_cast<int>(l.boundary)] +
           ", coupling " + std::to_string(l.coupling) + ", field " + std::to_string(l.field);
}

double seconds_of(const auto& work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

TEST_CASE("log f of a state is the sum over edges and sites") {
    std::mt19937_64 random(1);
    auto lattices = small_lattices();
    for (const auto& [rows, columns] : {std::pair{10, 10}, {7, 23}, {30, 30}, {1, 500}, {40, 3}})
        for (const Boundary boundary : {Boundary::open, Boundary::cylinder, Boundary::torus})
            lattices.push_back({rows, columns, 0.37, -0.21, boundary});
    for (const Lattice& lattice : lattices) {
        CAPTURE(name_of(lattice));
        CHECK(lattice.edges() == static_cast<std::int64_t>(edges_of(lattice).size()));
        for (int trial = 0; trial < 5; ++trial) {
            Bytes x(lattice.sites());
            for (std::uint8_t& symbol : x) symbol = random() % 2;
            CHECK(lattice.log_density(x) == doctest::Approx(log_density(lattice, x)).epsilon(1e-12));
            CHECK(lattice.partial_log_density(x) == doctest::Approx(lattice.log_density(x)).epsilon(1e-12));
        }
    }
}

TEST_CASE("the partial density counts known pairs, known spins and each unknown site among its known neighbours") {
    const Lattice lattice{3, 3, 0.5, 0.25, Boundary::open};
    const Bytes x = {1, 0, 2,  //
                     1, 2, 2,  //
                     2, 2, 1};
    const auto site = [](double local) { return std::log(2 * std::cosh(local)); };
    const double unknown = site(0.5 * -1 + 0.25) + site(0.5 * (1 - 1) + 0.25) + site(0.5 * 1 + 0.25) +
                           site(0.5 * 1 + 0.25) + site(0.5 * 1 + 0.25);
    CHECK(lattice.partial_log_density(x) == doctest::Approx(0.5 * (-1 + 1) + 0.25 * 2 + unknown));
    CHECK(lattice.partial_log_density(Bytes(9, 2)) == doctest::Approx(9 * site(0.25)));
}

TEST_CASE("log Z, entropy and marginals equal enumeration on small lattices, open, cylinder and torus") {
    std::mt19937_64 random(2);
    for (const Lattice& lattice : small_lattices()) {
        CAPTURE(name_of(lattice));
        const TransferMatrix exact(lattice);
        const auto all = densities(lattice);
        const double log_z = log_sum(all, Bytes(lattice.sites(), 2));
        CHECK(exact.log_z() == doctest::Approx(log_z).epsilon(1e-12));
        CHECK(exact.log_sum(Bytes(lattice.sites(), 2)) == doctest::Approx(log_z).epsilon(1e-12));
        double entropy = 0;
        for (const double f : all) entropy -= std::exp(std::log(f) - log_z) * (std::log(f) - log_z);
        CHECK(exact.entropy() == doctest::Approx(entropy).epsilon(1e-8));
        for (int trial = 0; trial < 20; ++trial) {
            const Bytes x = partial_state(lattice.sites(), random);
            CHECK(exact.log_sum(x) == doctest::Approx(log_sum(all, x)).epsilon(1e-11));
        }
        const Bytes full = state(lattice, random() % all.size());
        CHECK(exact.log_sum(full) == doctest::Approx(lattice.log_density(full)).epsilon(1e-11));
    }
}

TEST_CASE("known values on the torus at coupling 0.2, field 0.2") {
    CHECK(TransferMatrix({4, 4, 0.2, 0.2, Boundary::torus}).log_z() == doctest::Approx(12.598503).epsilon(4e-8));
    const TransferMatrix ten({10, 10, 0.2, 0.2, Boundary::torus});
    CHECK(ten.log_z() == doctest::Approx(78.688056).epsilon(1e-8));
    CHECK(ten.entropy() == doctest::Approx(54.295826).epsilon(1e-8));
    CHECK(ten.entropy() / 100 / std::numbers::ln2 == doctest::Approx(0.783323).epsilon(1e-6));
}

TEST_CASE("a ring has log Z = log(l1^n + l2^n)") {
    const double j = 0.4, h = 0.3;
    const double root = std::sqrt(std::exp(2 * j) * std::sinh(h) * std::sinh(h) + std::exp(-2 * j));
    const double large = std::exp(j) * std::cosh(h) + root, small = std::exp(j) * std::cosh(h) - root;
    CHECK(TransferMatrix({1, 12, j, h, Boundary::torus}).log_z() ==
          doctest::Approx(std::log(std::pow(large, 12) + std::pow(small, 12))).epsilon(1e-12));
}

TEST_CASE("evidence and its complement sum to the whole on lattices too large to enumerate") {
    std::mt19937_64 random(3);
    for (const Lattice& lattice : {Lattice{8, 12, 0.3, 0.1, Boundary::torus},
                                   {12, 7, -0.4, 0.2, Boundary::torus},
                                   {9, 20, 0.44, 0, Boundary::open}}) {
        CAPTURE(name_of(lattice));
        const TransferMatrix exact(lattice);
        for (int trial = 0; trial < 5; ++trial) {
            Bytes x = partial_state(lattice.sites(), random);
            const std::size_t site = random() % x.size();
            x[site] = 2;
            const double whole = exact.log_sum(x);
            double parts = 0;
            for (const std::uint8_t symbol : {0, 1}) {
                x[site] = symbol;
                parts += std::exp(exact.log_sum(x) - whole);
            }
            CHECK(parts == doctest::Approx(1).epsilon(1e-11));
        }
    }
}

TEST_CASE("strong couplings stay within a double's range") {
    for (const Boundary boundary : {Boundary::open, Boundary::cylinder, Boundary::torus}) {
        const Lattice lattice{12, 12, 5, -5, boundary};
        const TransferMatrix exact(lattice);
        CHECK(exact.log_z() == doctest::Approx(lattice.log_density(Bytes(144, 0))).epsilon(1e-9));
        Bytes x(144, 2);
        for (std::size_t site = 0; site < 144; site += 2) x[site] = 1;
        CHECK(std::isfinite(exact.log_sum(x)));
        const Bytes up(144, 1);
        CHECK(exact.log_sum(up) == doctest::Approx(lattice.log_density(up)).epsilon(1e-11));
    }
}

TEST_CASE("a path across a torus goes through the known sites, and what it leaves is summed right") {
    std::mt19937_64 random(6);
    // Known sites on a zigzag around the torus cut it without a single unknown spin, whichever way it lies.
    for (const Lattice& lattice : {Lattice{9, 6, 0.44, 0.1, Boundary::torus}, {6, 9, 0.44, 0.1, Boundary::torus}}) {
        Bytes x(54, 2);
        for (std::int64_t place = 0; place < 6; ++place) {
            const std::int64_t line = 3 + place % 2;
            x[lattice.columns == 6 ? line * 6 + place : place * 9 + line] = static_cast<std::uint8_t>(random() % 2);
        }
        const ising::Torus torus{9, lattice.columns == 6 ? 6 : 1, 6, lattice.columns == 6 ? 1 : 9, true};
        CHECK(ising::plan_path(torus, x).unknown_columns.empty());
    }
    // The chain rule, from nothing known to all: log p(x) is the sum of what each site adds.
    for (const Lattice& lattice : {Lattice{8, 8, 0.44, 0, Boundary::torus},
                                   {7, 12, -0.6, 0.3, Boundary::torus},
                                   {3, 30, 1.5, -0.2, Boundary::torus}}) {
        CAPTURE(name_of(lattice));
        const TransferMatrix exact(lattice);
        Bytes x(static_cast<std::size_t>(lattice.sites()), 2);
        double before = exact.log_z();
        for (std::size_t site : shuffled(x.size(), random)) {
            x[site] = 0;
            const double down = exact.log_sum(x);
            x[site] = 1;
            const double up = exact.log_sum(x);
            const double both = std::max(up, down) + std::log1p(std::exp(-std::abs(up - down)));
            REQUIRE(both == doctest::Approx(before).epsilon(1e-12));
            x[site] = static_cast<std::uint8_t>(random() % 2);
            before = x[site] == 1 ? up : down;
        }
        CHECK(before == doctest::Approx(lattice.log_density(x)).epsilon(1e-12));
    }
}

TEST_CASE("two lines of a torus with all known sites give what a path through these gives") {
    std::mt19937_64 random(7);
    for (const Lattice& lattice : {Lattice{9, 9, 0.44, 0.1, Boundary::torus},
                                   {8, 11, -0.6, 0.3, Boundary::torus},
                                   {12, 7, 1.5, -0.2, Boundary::torus}}) {
        CAPTURE(name_of(lattice));
        const bool by_rows = lattice.columns <= lattice.rows;
        const ising::Torus torus{std::max(lattice.rows, lattice.columns), by_rows ? lattice.columns : 1,
                                 std::min(lattice.rows, lattice.columns), by_rows ? 1 : lattice.columns, true};
        const TransferMatrix exact(lattice);
        for (const std::int64_t apart : {std::int64_t{1}, torus.rows / 2, torus.rows - 1})
            for (const std::size_t known : {1, 2, 5}) {
                Bytes x(static_cast<std::size_t>(lattice.sites()), 2);
                const auto row = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(torus.rows));
                const auto places = shuffled(static_cast<std::size_t>(torus.columns), random);
                for (std::size_t i = 0; i < known; ++i)
                    x[torus.site(row, static_cast<std::int64_t>(places[i]))] = random() % 2;
                x[torus.site(row + apart, 2)] = random() % 2;
                const ising::PathPlan plan = ising::plan_path(torus, x);
                CHECK(exact.log_sum(x) == doctest::Approx(ising::PathSum(lattice, plan).log_sum()).epsilon(1e-12));
            }
    }
}

TEST_CASE("what the exact methods cost") {
    const Lattice lattice{10, 10, 0.2, 0.2, Boundary::torus};
    const TransferMatrix exact(lattice);
    std::cout << "10x10 torus: log Z " << seconds_of([&] { exact.log_z(); }) << " s, entropy "
              << seconds_of([&] { exact.entropy(); }) << " s\n";
    std::mt19937_64 random(4);
    std::vector<Bytes> partial;
    for (int row = 0; row < 512; ++row) partial.push_back(partial_state(100, random));
    double sum = 0;
    const double seconds = seconds_of([&] {
        for (const Bytes& x : partial) sum += exact.log_sum(x) - exact.log_z();
    });
    CHECK(sum < 0);
    std::cout << "10x10 torus: 512 log-marginals of random partial states in " << seconds << " s\n";

    const Bytes x(100, 1);
    double total = 0;
    const double each = seconds_of([&] {
                            for (int i = 0; i < 100000; ++i) total += lattice.log_density(x);
                        }) /
                        1e5;
    CHECK(total > 0);
    std::cout << "10x10 torus: log density of a state in " << each * 1e6 << " us\n";
}

namespace {

// Mean over all states of the sum over edges s_i s_j.
double enumerated_edge_sum(const Lattice& lattice, const std::vector<double>& densities) {
    double sum = 0, whole = 0;
    for (std::uint64_t number = 0; number < densities.size(); ++number) {
        const Bytes x = state(lattice, number);
        sum += densities[number] * static_cast<double>(lattice.edge_sum(x));
        whole += densities[number];
    }
    return sum / whole;
}

}  // namespace

TEST_CASE("the closed form of a torus without field equals enumeration, odd and even, at either sign of the coupling") {
    for (const auto& [rows, columns] : {std::pair{3, 3}, {3, 4}, {4, 3}, {4, 4}, {3, 5}, {5, 3}})
        for (const double coupling :
             {0.0, 0.2, 0.44, std::log(1 + std::numbers::sqrt2) / 2, 0.8, -0.3, -0.4407, -1.0}) {
            const Lattice lattice{rows, columns, coupling, 0, Boundary::torus};
            CAPTURE(name_of(lattice));
            const std::vector<double> all = densities(lattice);
            const auto found = sum_over_torus(lattice);
            REQUIRE(found);
            const double log_z = log_sum(all, Bytes(lattice.sites(), 2)), edges = enumerated_edge_sum(lattice, all);
            CHECK(found->log_z == doctest::Approx(log_z).epsilon(1e-10));
            CHECK(found->edge_sum == doctest::Approx(edges).epsilon(1e-9));
            CHECK(found->entropy == doctest::Approx(log_z - coupling * edges).epsilon(1e-8));
        }
}

TEST_CASE("the closed form equals the transfer matrix and published values") {
    for (const int n : {3, 4, 6, 10, 12})
        for (const double coupling : {0.2, 0.44, 0.6, -0.5}) {
            const Lattice lattice{n, n, coupling, 0, Boundary::torus};
            CAPTURE(name_of(lattice));
            const auto found = sum_over_torus(lattice);
            REQUIRE(found);
            const TransferMatrix transfer(lattice);
            CHECK(transfer.log_z() == doctest::Approx(found->log_z).epsilon(1e-11));
            if (n <= 6) CHECK(transfer.entropy() == doctest::Approx(found->entropy).epsilon(1e-8));
        }
    CHECK(sum_over_torus({16, 16, 0.44, 0, Boundary::torus})->log_z == doctest::Approx(238.387247).epsilon(1e-8));
    // The free energy of a site of 24 x 24 that SDDS (ICLR 2025) prints in its Table 4.
    CHECK(-sum_over_torus({24, 24, 0.4407, 0, Boundary::torus})->log_z / (0.4407 * 576) ==
          doctest::Approx(-2.11215).epsilon(3e-6));
    // L. Onsager's energy of the infinite lattice at the critical coupling: 1 / sqrt 2 a bond, and a little more of a
    // torus.
    const double critical = std::log(1 + std::numbers::sqrt2) / 2;
    const auto wide = sum_over_torus({4000, 3000, critical, 0, Boundary::torus});
    REQUIRE(wide);
    CHECK(wide->edge_sum / (2.0 * 4000 * 3000) == doctest::Approx(std::numbers::sqrt2 / 2).epsilon(5e-4));
}

TEST_CASE("there is no closed form with a field, without a torus, and where frustration leaves nothing of it") {
    CHECK_FALSE(sum_over_torus({20, 20, 0.4, 0.1, Boundary::torus}));
    CHECK_FALSE(sum_over_torus({20, 20, 0.4, 0, Boundary::open}));
    CHECK_FALSE(sum_over_torus({2, 20, 0.4, 0, Boundary::torus}));
    CHECK_FALSE(sum_over_torus({21, 21, -2.0, 0, Boundary::torus}));
    CHECK(sum_over_torus({21, 21, -0.2, 0, Boundary::torus}));
}

}  // namespace ising_exact
