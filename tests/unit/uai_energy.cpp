#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "energy_enumeration.h"

using energy_enumeration::Bytes;
using energy_plugin::make;

namespace {

const std::string folder = std::string(MARGINALIA_SOURCE_DIR) + "/plugins/energies/uai/";

std::string written(const std::string& name, const std::string& text) {
    const auto path = std::filesystem::temp_directory_path() / ("marginalia_uai_" + name);
    std::ofstream(path) << text;
    return path.string();
}

// Rain -> sprinkler, both -> wet grass; P(wet) by hand.
const char* const sprinkler =
    "BAYES 3 2 2 2 3\n1 0 2 0 1 3 0 1 2\n2 0.8 0.2\n4 0.6 0.4 0.99 0.01\n8 1 0 0.1 0.9 0.2 0.8 0.01 0.99\n";

}  // namespace

TEST_CASE("the example's log Z is that of its table by hand") {
    // Factors t0(x0) t1(x0, x1) t2(x3, x1, x2) and a constant 1.5.
    const double t0[] = {0.3, 1.2}, t1[2][3] = {{1, 0.5, 0}, {2, 1.5, 0.25}}, t2[2][3] = {{1, 3, 0.1}, {0.7, 2, 4}};
    double z = 0;
    for (int a = 0; a < 2; ++a)
        for (int b = 0; b < 3; ++b)
            for (int d = 0; d < 2; ++d) z += 1.5 * t0[a] * t1[a][b] * t2[d][b];
    const auto energy = make("uai", {{"file", folder + "example.uai"}});
    CHECK(energy->sites() == 4);
    CHECK(energy->categories() == 3);
    CHECK(*energy->log_z() == doctest::Approx(std::log(z)).epsilon(1e-14));
    CHECK(energy->log_density(Bytes{1, 2, 0, 1}) == doctest::Approx(std::log(1.5 * 1.2 * 0.25 * 4)));
    CHECK(energy->log_density(Bytes{0, 2, 0, 1}) == -HUGE_VAL);  // an entry of 0
    CHECK(energy->log_density(Bytes{2, 1, 0, 1}) == -HUGE_VAL);  // variable 0 has two values only
}

TEST_CASE("the example and random files equal enumeration") {
    energy_enumeration::check_exact(*make("uai", {{"file", folder + "example.uai"}}));
    energy_enumeration::check_exact(
        *make("uai", {{"file", folder + "example.uai"}, {"evidence", written("none.evid", "0")}}));
    energy_enumeration::check_text(*make("uai", {{"file", folder + "example.uai"}}));
}

TEST_CASE("a BAYES file has log Z = 0, and with evidence the log-probability of the evidence") {
    const auto prior = make("uai", {{"file", written("sprinkler.uai", sprinkler)}});
    CHECK(*prior->log_z() == doctest::Approx(0).scale(1).epsilon(1e-14));
    energy_enumeration::check_exact(*prior);
    const double wet = 0.8 * (0.6 * 0 + 0.4 * 0.9) + 0.2 * (0.99 * 0.8 + 0.01 * 0.99);
    const auto given =
        make("uai", {{"file", written("sprinkler.uai", sprinkler)}, {"evidence", written("wet.evid", "1 2 1\n")}});
    CHECK(*given->log_z() == doctest::Approx(std::log(wet)).epsilon(1e-13));
    const Bytes rain = {1, 2, 2};
    double log_p = 0;
    REQUIRE(given->log_marginals({rain, 3}, {&log_p, 1}));
    CHECK(std::exp(log_p) == doctest::Approx(0.2 * (0.99 * 0.8 + 0.01 * 0.99) / wet).epsilon(1e-12));
    CHECK(given->log_density(Bytes{0, 0, 0}) == -HUGE_VAL);
}

TEST_CASE("evidence that cannot be is refused when log Z is asked for") {
    const auto never = make(
        "uai", {{"file", written("sprinkler.uai", sprinkler)}, {"evidence", written("never.evid", "3 0 0 1 0 2 1")}});
    CHECK_THROWS_WITH(never->log_z(),
                      "every state has log f = -infinity, so there is no distribution; make some state possible");
}

TEST_CASE("an Ising chain of 5,000 variables in a file is exact at once") {
    std::string text = "MARKOV 5000";
    for (int i = 0; i < 5000; ++i) text += " 2";
    text += " 4999";
    for (int i = 0; i + 1 < 5000; ++i) text += " 2 " + std::to_string(i) + " " + std::to_string(i + 1);
    for (int i = 0; i + 1 < 5000; ++i) text += " 4 3 1 1 3";
    const auto start = std::chrono::steady_clock::now();
    const auto energy = make("uai", {{"file", written("chain.uai", text)}});
    CHECK(*energy->log_z() == doctest::Approx(std::log(2.0) + 4999 * std::log(4.0)).epsilon(1e-12));
    std::cout << "a chain of 5,000 variables, read and summed: "
              << std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() << " s\n";
}
