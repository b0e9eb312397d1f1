#include <doctest/doctest.h>

#include <cmath>
#include <numbers>

#include "factor-graph/exact_sums.h"
#include "factor-graph/local_terms.h"
#include "tests/plugins/energy_enumeration.h"

namespace factor_graph {

using namespace factor_graph;
using energy_enumeration::Bytes;
using energy_enumeration::Enumeration;

namespace {

// Random tables over 1 to 3 of the variables; `impossible`: one entry in five is -infinity.
Model random_model(std::size_t variables, std::uint32_t most_values, std::size_t factors, double scale, bool impossible,
                   std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::normal_distribution<double> normal(0, scale);
    Model model;
    model.unknown = static_cast<std::uint8_t>(most_values);
    for (std::size_t v = 0; v < variables; ++v) model.cardinalities.push_back(1 + random() % most_values);
    model.cardinalities[0] = most_values;
    for (std::size_t f = 0; f < factors; ++f) {
        std::vector<std::uint32_t> scope;
        std::size_t size = 1;
        for (std::size_t i = 1 + random() % 3; i-- > 0;) {
            const std::uint32_t variable = random() % variables;
            if (std::find(scope.begin(), scope.end(), variable) != scope.end()) continue;
            scope.push_back(variable);
            size *= model.cardinalities[variable];
        }
        std::vector<double> table;
        for (std::size_t i = 0; i < size; ++i)
            table.push_back(impossible && random() % 5 == 0 ? -HUGE_VAL : normal(random));
        model.factors.emplace_back(scope, table);
    }
    return model;
}

Enumeration enumerate(const Model& model) {
    return {model.cardinalities.size(), model.unknown, [&](marginalia::State x) { return model.log_f(x); }};
}

// A path of n two-valued variables: equal neighbours weigh `equal`, others nothing.
Model chain(std::uint32_t n, double equal) {
    Model model;
    model.cardinalities.assign(n, 2);
    for (std::uint32_t v = 0; v + 1 < n; ++v)
        model.factors.emplace_back(std::vector{v, v + 1}, std::vector{equal, 0.0, 0.0, equal});
    return model;
}

}  // namespace

TEST_CASE("a chain has log Z = log 2 + (n - 1) log(1 + e^J), its entropy log 2 + (n - 1) h(p)") {
    const double j = 0.7, p = 1 / (1 + std::exp(-j));
    const Model model = chain(1000, j);
    const auto exact = ExactSums::if_fits(model);
    REQUIRE(exact != nullptr);
    CHECK(exact->order().largest == 4);
    CHECK(exact->log_z() == doctest::Approx(std::numbers::ln2 + 999 * std::log1p(std::exp(j))).epsilon(1e-13));
    CHECK(exact->entropy() ==
          doctest::Approx(std::numbers::ln2 - 999 * (p * std::log(p) + (1 - p) * std::log1p(-p))).epsilon(1e-12));
}

TEST_CASE("a star of many leaves and variables without factors are exact") {
    Model model;
    model.cardinalities.assign(2001, 3);
    model.unknown = 3;
    for (std::uint32_t leaf = 1; leaf < 1000; ++leaf)
        model.factors.emplace_back(std::vector{0u, leaf}, std::vector{1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0});
    const auto exact = ExactSums::if_fits(model);
    REQUIRE(exact != nullptr);
    const double first = 999 * std::log(std::numbers::e + 2), other = 999 * std::log(3.0);
    CHECK(exact->log_z() ==
          doctest::Approx(first + std::log1p(2 * std::exp(other - first)) + 1001 * std::log(3.0)).epsilon(1e-13));
}

TEST_CASE("log Z, entropy and partial sums of random models equal enumeration") {
    std::mt19937_64 random(1);
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
        const bool impossible = seed % 3 == 0;
        const Model model =
            random_model(3 + seed % 5, 2 + seed % 3, seed % 14, seed % 4 == 0 ? 30 : 1, impossible, seed);
        CAPTURE(seed);
        const Enumeration all = enumerate(model);
        const auto exact = ExactSums::if_fits(model);
        REQUIRE(exact != nullptr);
        const double log_z = all.log_f.empty() ? 0 : all.log_z();
        if (std::isnan(log_z)) {  // every state is impossible
            CHECK(exact->log_z() == -HUGE_VAL);
            continue;
        }
        CHECK(exact->log_z() == doctest::Approx(log_z).epsilon(1e-12));
        CHECK(exact->entropy() == doctest::Approx(all.entropy()).epsilon(1e-9).scale(1e-3));
        for (int trial = 0; trial < 10; ++trial) {
            const Bytes x = energy_enumeration::partial_state(model.cardinalities.size(), model.unknown, random);
            const double right = all.log_sum(x);
            if (right == -HUGE_VAL) CHECK(exact->log_sum(x) == right);
            else CHECK(exact->log_sum(x) == doctest::Approx(right).epsilon(1e-11));
        }
    }
}

TEST_CASE("weights beyond a double's range lose nothing") {
    // The likelier end of the chain is ruled by its last, tremendous factor alone.
    for (const double scale : {100.0, 5000.0}) {
        Model model = chain(40, 3 * scale);
        model.factors.emplace_back(std::vector{0u}, std::vector{0.0, -200 * scale});
        model.factors.emplace_back(std::vector{39u}, std::vector{-500 * scale, 0.0});
        const auto exact = ExactSums::if_fits(model);
        REQUIRE(exact != nullptr);
        // Best: one domain wall, 38 equal pairs, both ends at their favourite; it may be at 39 places.
        CHECK(exact->log_z() == doctest::Approx(38 * 3 * scale + std::log(39.0)).epsilon(1e-12));
        const auto rows = exact->samples(1, 1);
        REQUIRE(rows.has_value());
        CHECK(model.log_f(*rows) == 38 * 3 * scale);
        CHECK(exact->entropy() == doctest::Approx(std::log(39.0)).epsilon(1e-6));
    }
}

TEST_CASE("evidence and its complement sum to the whole on a model too large to enumerate") {
    std::mt19937_64 random(2);
    Model model = random_model(60, 4, 70, 1, false, 5);
    const auto exact = ExactSums::if_fits(model);
    REQUIRE(exact != nullptr);
    for (int trial = 0; trial < 20; ++trial) {
        Bytes x(60, model.unknown);
        for (std::size_t v = 0; v < 60; ++v)
            if (random() % 3 == 0) x[v] = random() % model.cardinalities[v];
        const std::size_t site = random() % 60;
        x[site] = model.unknown;
        const double whole = exact->log_sum(x);
        double parts = 0;
        for (std::uint8_t value = 0; value < model.cardinalities[site]; ++value) {
            x[site] = value;
            parts += std::exp(exact->log_sum(x) - whole);
        }
        CHECK(parts == doctest::Approx(1).epsilon(1e-11));
    }
}

TEST_CASE("samples pass a chi-square test and never take an impossible value (4 sigma)") {
    for (const std::uint64_t seed : {2, 8, 12, 14}) {
        const Model model = random_model(5, 3, 6, 1, seed > 8, seed);
        CAPTURE(seed);
        const auto exact = ExactSums::if_fits(model);
        REQUIRE(exact != nullptr);
        REQUIRE(exact->log_z() > -HUGE_VAL);
        const auto rows = exact->samples(20000, 9);
        REQUIRE(rows.has_value());
        for (std::size_t row = 0; row < 20000; ++row)
            REQUIRE(model.log_f(marginalia::State(*rows).subspan(row * 5, 5)) > -HUGE_VAL);
        CHECK(std::abs(energy_enumeration::chi_square_sigma(enumerate(model), *rows)) < 4);
    }
}

TEST_CASE("models beyond the limits are not offered") {
    Model complete;
    complete.cardinalities.assign(30, 2);
    for (std::uint32_t a = 0; a < 30; ++a)
        for (std::uint32_t b = 0; b < a; ++b)
            complete.factors.emplace_back(std::vector{a, b}, std::vector{1.0, 0.0, 0.0, 1.0});
    CHECK(ExactSums::if_fits(complete) == nullptr);
    const Model model = chain(100, 1);
    CHECK(ExactSums::if_fits(model, {2, 1e9, 1e9}) == nullptr);
    CHECK(ExactSums::if_fits(model, {4, 100, 1e9}) == nullptr);
    const auto without_samples = ExactSums::if_fits(model, {4, 1e9, 100});
    REQUIRE(without_samples != nullptr);
    CHECK(!without_samples->samples(1, 0).has_value());
}

TEST_CASE("symbols beyond a variable's values are impossible; partial densities sum unknown variables alone") {
    Model model;
    model.cardinalities = {2, 3};
    model.unknown = 3;
    model.factors.emplace_back(std::vector{0u, 1u}, std::vector{0.1, 0.2, 0.3, 0.4, 0.5, 0.6});
    model.factors.emplace_back(std::vector{1u}, std::vector{1.0, 2.0, 3.0});
    const LocalTerms local(model);
    CHECK(model.log_f(Bytes{1, 2}) == doctest::Approx(3.6));
    CHECK(local.partial_log_f(Bytes{1, 2}) == doctest::Approx(3.6));
    CHECK(model.log_f(Bytes{2, 0}) == -HUGE_VAL);
    CHECK(local.partial_log_f(Bytes{3, 1}) == doctest::Approx(2 + std::log(std::exp(0.2) + std::exp(0.5))));
    CHECK(local.partial_log_f(Bytes{3, 3}) ==
          doctest::Approx(std::log(2) + std::log(std::exp(1) + std::exp(2) + std::exp(3))));
    CHECK(local.partial_log_f(Bytes{2, 3}) == -HUGE_VAL);
    std::vector<double> values(3);
    local.of_variable(Bytes{1, 2}, 0, values);
    CHECK(values == std::vector{0.3, 0.6, -HUGE_VAL});
    local.of_variable(Bytes{2, 0}, 1, values);  // variable 0 has no value, so that only the factor of variable 1 counts
    CHECK(values == std::vector{1.0, 2.0, 3.0});
    const auto exact = ExactSums::if_fits(model);
    CHECK(exact->log_sum(Bytes{2, 3}) == -HUGE_VAL);
}

}  // namespace factor_graph
