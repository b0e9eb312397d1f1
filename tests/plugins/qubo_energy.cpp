#include <doctest/doctest.h>

#include <chrono>
#include <fstream>
#include <iostream>

#include "tests/plugins/energy_enumeration.h"

namespace qubo_energy {

using energy_enumeration::Bytes;
using energy_plugin::make;

namespace {

const std::string folder = std::string(MARGINALIA_SOURCE_DIR) + "/plugins/energies/qubo/";
const std::string g11 = std::string(MARGINALIA_SOURCE_DIR) + "/sdk/example/maxcut/G11";

double objective(const marginalia::Energy& energy, marginalia::State x) {
    double value = 0;
    energy.observe(x, {&value, 1});
    return value;
}

}  // namespace

TEST_CASE("the cut counts edges between the two sides") {
    const auto energy = make("qubo", {{"file", folder + "example.graph"}, {"beta", "0.5"}});
    CHECK(energy->sites() == 6);
    CHECK(energy->observables()[0].name == "cut");
    CHECK(objective(*energy, Bytes{0, 0, 0, 0, 0, 0}) == 0);
    CHECK(objective(*energy, Bytes{1, 0, 0, 0, 0, 0}) == 3);  // 1-2, 1-6 and 1-4, whose weight is left out
    CHECK(objective(*energy, Bytes{0, 0, 1, 0, 0, 0}) == 1 - 1 - 2);
    CHECK(energy->log_density(Bytes{1, 0, 0, 0, 0, 0}) == 1.5);
}

TEST_CASE("x'Qx counts the diagonal once and every other entry twice") {
    const auto energy = make("qubo", {{"file", folder + "example.qubo"}, {"problem", "qubo"}});
    CHECK(energy->observables()[0].name == "objective");
    CHECK(objective(*energy, Bytes{1, 0, 0, 0, 0, 0}) == 2.5);
    CHECK(objective(*energy, Bytes{1, 1, 1, 0, 0, 0}) == 2.5 - 2 * 1 + 2 * 1.5 - 2);
    CHECK(energy->log_density(Bytes{1, 0, 0, 0, 0, 0}) == -2.5);
    const auto maximise =
        make("qubo", {{"file", folder + "example.qubo"}, {"problem", "qubo"}, {"sense", "maximise"}, {"beta", "2"}});
    CHECK(maximise->log_density(Bytes{1, 0, 0, 0, 0, 0}) == 5);
}

TEST_CASE("the examples equal enumeration") {
    energy_enumeration::check_exact(*make("qubo", {{"file", folder + "example.graph"}, {"beta", "0.5"}}));
    for (const char* sense : {"minimise", "maximise"})
        energy_enumeration::check_exact(
            *make("qubo", {{"file", folder + "example.qubo"}, {"problem", "qubo"}, {"sense", sense}, {"beta", "0.4"}}));
    energy_enumeration::check_text(*make("qubo", {{"file", folder + "example.graph"}}));
}

TEST_CASE("the best cut of G11 is 564: an exact sample has it, and log Z / beta excludes a better one") {
    const double beta = 1000;
    const auto start = std::chrono::steady_clock::now();
    const auto energy = make("qubo", {{"file", g11 + ".txt"}, {"beta", "1000"}});
    REQUIRE(energy->log_z().has_value());
    const double bound = *energy->log_z() / beta;  // at least the best cut, at most 800 log 2 / beta above it
    CHECK(bound >= 564);
    CHECK(bound < 565);
    std::cout << "G11: log Z in " << std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count()
              << " s\n";
    const auto sample = energy->reference_samples(3, 1);
    REQUIRE(sample.has_value());
    for (int row = 0; row < 3; ++row)
        CHECK(objective(*energy, marginalia::State(sample->rows).subspan(row * 800, 800)) == 564);
}

TEST_CASE("the best state beside G11 has the cut 564") {
    const auto energy = make("qubo", {{"file", g11 + ".txt"}});
    std::ifstream file(g11 + ".best.txt");
    std::string line;
    REQUIRE(std::getline(file, line));
    Bytes best(800);
    energy->parse(line, best);
    CHECK(objective(*energy, best) == 564);
}

}  // namespace qubo_energy
