#include <doctest/doctest.h>

#include <chrono>
#include <iostream>
#include <numbers>

#include "plugins/energies/ising/heat_bath.h"
#include "plugins/energies/ising/torus_sum.h"
#include "plugins/energies/ising/transfer_matrix.h"
#include "tests/plugins/ising_reference.h"

using namespace ising_reference;
using ising::TransferMatrix;

namespace {

struct Estimate {
    double mean, error;
};

Estimate estimate(const Lattice& lattice, const Bytes& rows, auto&& observable) {
    const std::size_t count = rows.size() / lattice.sites();
    double sum = 0, squares = 0;
    for (std::size_t row = 0; row < count; ++row) {
        const double value = observable(marginalia::State(rows).subspan(row * lattice.sites(), lattice.sites()));
        sum += value;
        squares += value * value;
    }
    const double mean = sum / count;
    return {mean, std::sqrt((squares / count - mean * mean) / count)};
}

// d log Z / d (coupling or field): the exact mean of the edge sum or the spin sum.
double slope(Lattice lattice, double Lattice::* parameter) {
    const double step = 1e-4;
    lattice.*parameter += step;
    const double above = TransferMatrix(lattice).log_z();
    lattice.*parameter -= 2 * step;
    return (above - TransferMatrix(lattice).log_z()) / (2 * step);
}

void check_means(const Lattice& lattice, const Bytes& rows) {
    const auto spins = estimate(lattice, rows, [&](marginalia::State x) { return lattice.spin_sum(x); });
    const auto pairs = estimate(lattice, rows, [&](marginalia::State x) { return lattice.edge_sum(x); });
    CHECK(std::abs(spins.mean - slope(lattice, &Lattice::field)) < 4 * spins.error);
    CHECK(std::abs(pairs.mean - slope(lattice, &Lattice::coupling)) < 4 * pairs.error);
}

// Chi-square of 3x3 samples against the exact probabilities, in standard deviations from its mean.
double chi_square_sigma(const Lattice& lattice, const Bytes& rows) {
    const auto all = densities(lattice);
    const double log_z = log_sum(all, Bytes(lattice.sites(), 2));
    const std::size_t count = rows.size() / lattice.sites();
    std::vector<double> seen(all.size());
    for (std::size_t row = 0; row < count; ++row) {
        std::size_t number = 0;
        for (std::int64_t site = 0; site < lattice.sites(); ++site)
            number |= std::size_t{rows[row * lattice.sites() + site]} << site;
        ++seen[number];
    }
    // Rare states share one cell.
    double chi = 0, rare_seen = 0, rare_expected = 0;
    int cells = 0;
    for (std::size_t number = 0; number < all.size(); ++number) {
        const double expected = std::exp(std::log(all[number]) - log_z) * static_cast<double>(count);
        if (expected < 10) {
            rare_seen += seen[number];
            rare_expected += expected;
            continue;
        }
        chi += (seen[number] - expected) * (seen[number] - expected) / expected;
        ++cells;
    }
    if (rare_expected > 10) {
        chi += (rare_seen - rare_expected) * (rare_seen - rare_expected) / rare_expected;
        ++cells;
    }
    return (chi - (cells - 1)) / std::sqrt(2.0 * (cells - 1));
}

}  // namespace

TEST_CASE("exact samples have the exact mean magnetisation and pair correlation (4 sigma)") {
    for (const Lattice& lattice : {Lattice{10, 10, 0.2, 0.2, Boundary::torus},
                                   {10, 10, 0.2, 0.2, Boundary::open},
                                   {4, 9, -0.5, 0.3, Boundary::torus},
                                   {9, 4, 0.4, 0.1, Boundary::torus},
                                   {10, 6, 0.3, 0.1, Boundary::cylinder},
                                   {3, 8, -0.4, 0.2, Boundary::cylinder},
                                   {1, 20, 0.8, 0.1, Boundary::torus},
                                   {2, 6, 0.3, -0.2, Boundary::torus}}) {
        const auto rows = TransferMatrix(lattice).samples(4000, 7);
        REQUIRE(rows.has_value());
        check_means(lattice, *rows);
    }
}

TEST_CASE("exact samples of 3x3 pass a chi-square test (4 sigma)") {
    for (const Lattice& lattice : {Lattice{3, 3, 0.4, 0.2, Boundary::torus},
                                   {3, 3, 0.4, 0.2, Boundary::open},
                                   {3, 3, -0.3, 0.1, Boundary::torus}}) {
        const auto rows = TransferMatrix(lattice).samples(40000, 11);
        CHECK(std::abs(chi_square_sigma(lattice, *rows)) < 4);
    }
}

TEST_CASE("exact samples are the same for the same seed and others for another") {
    const TransferMatrix exact({4, 5, 0.3, 0.1, Boundary::torus});
    CHECK(*exact.samples(50, 3) == *exact.samples(50, 3));
    CHECK(*exact.samples(50, 3) != *exact.samples(50, 4));
}

TEST_CASE("samples that would need too much memory are not offered") {
    CHECK(!TransferMatrix({16, 10000, 0.2, 0.2, Boundary::torus}).samples(1, 0).has_value());
}

TEST_CASE("chains of either kind agree with the exact means and say that they mixed (4 sigma)") {
    for (const Lattice& lattice : {Lattice{10, 10, 0.2, 0.2, Boundary::torus},
                                   {5, 7, 0.3, 0.1, Boundary::open},
                                   {4, 6, 0.3, 0.1, Boundary::cylinder},
                                   {3, 5, 0.2, -0.3, Boundary::torus}})
        for (const auto& samples_of : {ising::heat_bath_samples, ising::reference_samples}) {
            const auto chains = samples_of(lattice, 4000, 5);
            CAPTURE(chains.how);
            check_means(lattice, chains.rows);
            CHECK(chains.r_hat < 1.01);
            CHECK(chains.how.find("NOT MIXED") == std::string::npos);
        }
}

TEST_CASE("cluster chains of 3x3 pass a chi-square test, with a field and without (4 sigma)") {
    for (const Lattice& lattice : {Lattice{3, 3, 0.4, 0.2, Boundary::torus},
                                   {3, 3, 0.7, 0.0, Boundary::open},
                                   {3, 3, 0.3, -0.5, Boundary::torus}})
        CHECK(std::abs(chi_square_sigma(lattice, ising::reference_samples(lattice, 40000, 11).rows)) < 4);
}

TEST_CASE("an antiferromagnet has heat-bath chains") {
    const Lattice lattice{6, 6, -0.3, 0.1, Boundary::torus};
    const auto chains = ising::reference_samples(lattice, 4000, 3);
    CHECK(chains.how.find("heat-bath") != std::string::npos);
    check_means(lattice, chains.rows);
}

TEST_CASE("heat-bath chains of a frozen lattice say that they did not mix, where cluster chains do") {
    const Lattice lattice{20, 20, 1.0, 0.0, Boundary::torus};
    CHECK(ising::heat_bath_samples(lattice, 8, 5).how.find("NOT MIXED") != std::string::npos);
    const auto chains = ising::reference_samples(lattice, 2000, 5);
    CHECK(chains.how.find("NOT MIXED") == std::string::npos);
    const auto sign = estimate(lattice, chains.rows, [&](marginalia::State x) { return lattice.spin_sum(x) > 0; });
    CHECK(std::abs(sign.mean - 0.5) < 4 * sign.error);
}

TEST_CASE("64x64 at the critical coupling: cluster chains mix, and have the exact energy (4 sigma)") {
    const Lattice lattice{64, 64, std::log(1 + std::numbers::sqrt2) / 2, 0, Boundary::torus};
    const auto started = std::chrono::steady_clock::now();
    const auto chains = ising::reference_samples(lattice, 800, 2);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - started;
    std::cout << "64x64, critical: 800 states in " << seconds.count() << " s; " << chains.how << "\n";
    CHECK(chains.r_hat < 1.01);
    const auto edges = estimate(lattice, chains.rows, [&](marginalia::State x) { return lattice.edge_sum(x); });
    CHECK(std::abs(edges.mean - ising::sum_over_torus(lattice)->edge_sum) < 4 * edges.error);
}
