// What every small energy must agree with: the sum over all of its states.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>

#include "tests/plugins/energy_plugin.h"

namespace energy_enumeration {

using Bytes = std::vector<std::uint8_t>;
using LogF = std::function<double(marginalia::State)>;

// All states of D sites of K categories and log f of each.
struct Enumeration {
    std::size_t sites, categories;
    std::vector<double> log_f;

    Enumeration(std::size_t d, std::size_t k, const LogF& log_density) : sites(d), categories(k) {
        std::size_t count = 1;
        for (std::size_t site = 0; site < d; ++site) count *= k;
        for (std::size_t number = 0; number < count; ++number) log_f.push_back(log_density(state(number)));
    }
    explicit Enumeration(const marginalia::Energy& energy)
        : Enumeration(energy.sites(), energy.categories(), [&](marginalia::State x) { return energy.log_density(x); }) {
    }

    Bytes state(std::size_t number) const {
        Bytes x(sites);
        for (std::size_t site = 0; site < sites; ++site, number /= categories) x[site] = number % categories;
        return x;
    }
    std::size_t number(marginalia::State x) const {
        std::size_t number = 0;
        for (std::size_t site = sites; site-- > 0;) number = number * categories + x[site];
        return number;
    }
    // log of the sum of f over the states that agree with a partial one.
    double log_sum(marginalia::State partial) const {
        const double largest = *std::max_element(log_f.begin(), log_f.end());
        double sum = 0;
        for (std::size_t i = 0; i < log_f.size(); ++i) {
            const Bytes x = state(i);
            bool agrees = true;
            for (std::size_t d = 0; d < sites; ++d) agrees = agrees && (partial[d] == categories || partial[d] == x[d]);
            if (agrees) sum += std::exp(log_f[i] - largest);
        }
        return largest + std::log(sum);
    }
    double log_z() const { return log_sum(Bytes(sites, static_cast<std::uint8_t>(categories))); }
    double entropy() const {
        const double whole = log_z();
        double sum = 0;
        for (const double f : log_f)
            if (f > -HUGE_VAL) sum += std::exp(f - whole) * (whole - f);
        return sum;
    }
};

inline Bytes partial_state(std::size_t sites, std::size_t categories, std::mt19937_64& random) {
    Bytes x(sites);
    const std::uint64_t known = random() % (sites + 1);
    for (std::uint8_t& symbol : x)
        symbol = static_cast<std::uint8_t>(random() % sites < known ? random() % categories : categories);
    return x;
}

// Chi-square of samples against the exact probabilities, in standard deviations from its mean; states expected fewer
// than ten times share one cell.
inline double chi_square_sigma(const Enumeration& all, const Bytes& rows) {
    const std::size_t count = rows.size() / all.sites;
    std::vector<double> seen(all.log_f.size(), 0.0);
    for (std::size_t row = 0; row < count; ++row)
        ++seen[all.number(marginalia::State(rows).subspan(row * all.sites, all.sites))];
    const double log_z = all.log_z();
    double chi = 0, rare_seen = 0, rare_expected = 0;
    int cells = 0;
    const auto add = [&](double found, double expected) {
        chi += (found - expected) * (found - expected) / expected;
        ++cells;
    };
    for (std::size_t i = 0; i < seen.size(); ++i) {
        const double expected = std::exp(all.log_f[i] - log_z) * static_cast<double>(count);
        if (expected >= 10) add(seen[i], expected);
        else rare_seen += seen[i], rare_expected += expected;
    }
    if (rare_expected >= 10) add(rare_seen, rare_expected);
    REQUIRE(cells > 3);
    return (chi - (cells - 1)) / std::sqrt(2.0 * (cells - 1));
}

// log Z, entropy, marginals of random partial states and samples (4 sigma) of an energy that offers them all.
inline void check_exact(const marginalia::Energy& energy) {
    const Enumeration all(energy);
    const double log_z = all.log_z();
    REQUIRE(energy.log_z().has_value());
    CHECK(*energy.log_z() == doctest::Approx(log_z).epsilon(1e-11));
    REQUIRE(energy.entropy().has_value());
    CHECK(*energy.entropy() == doctest::Approx(all.entropy()).epsilon(1e-9));
    std::mt19937_64 random(3);
    for (int trial = 0; trial < 20; ++trial) {
        const Bytes x = partial_state(all.sites, all.categories, random);
        double given = 0;
        REQUIRE(energy.log_marginals({x, all.sites}, {&given, 1}));
        const double right = all.log_sum(x) - log_z;
        if (right == -HUGE_VAL) CHECK(given == right);
        else CHECK(given == doctest::Approx(right).epsilon(1e-9));
    }
    const auto samples = energy.reference_samples(20000, 5);
    REQUIRE(samples.has_value());
    CHECK(samples->exact);
    CHECK(std::abs(chi_square_sigma(all, samples->rows)) < 4);
    CHECK(energy.reference_samples(50, 5)->rows ==
          Bytes(samples->rows.begin(), samples->rows.begin() + 50 * all.sites));
    CHECK(energy.reference_samples(50, 6)->rows != energy.reference_samples(50, 5)->rows);
}

// text() and parse() are inverse on full and partial states.
inline void check_text(const marginalia::Energy& energy) {
    std::mt19937_64 random(4);
    for (int trial = 0; trial < 20; ++trial) {
        const Bytes x = partial_state(energy.sites(), energy.categories(), random);
        Bytes back(x.size(), 77);
        energy.parse(energy.text(x), back);
        CHECK(back == x);
    }
}

}  // namespace energy_enumeration
