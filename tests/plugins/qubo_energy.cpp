#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
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
    std::vector<double> values(energy.observables().size());
    energy.observe(x, values);
    return values[0];
}

double ratio(const marginalia::Energy& energy, marginalia::State x) {
    std::vector<double> values(energy.observables().size());
    energy.observe(x, values);
    return values.at(1);
}

std::unique_ptr<const marginalia::Energy> drawn_graph(int vertices, int seed) {
    return make(
        "qubo",
        {{"graph", "barabasi-albert"}, {"vertices", std::to_string(vertices)}, {"graph_seed", std::to_string(seed)}});
}

Bytes best_state_of_g11(const marginalia::Energy& energy) {
    std::ifstream file(g11 + ".best.txt");
    std::string line;
    REQUIRE(std::getline(file, line));
    Bytes best(800);
    energy.parse(line, best);
    return best;
}

// The cut that the ratio is measured against, by the cut of the first vertex alone, which is not 0 here.
double best_of(const marginalia::Energy& energy) {
    Bytes x(static_cast<std::size_t>(energy.sites()));
    x[0] = 1;
    return objective(energy, x) / ratio(energy, x);
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
    CHECK(objective(*energy, best_state_of_g11(*energy)) == 564);
}

TEST_CASE("graphs of preferential attachment have their number of edges, are the same again, and differ by seed") {
    const auto cut_of_one = [](const marginalia::Energy& energy, std::size_t vertex) {  // its number of edges
        Bytes x(static_cast<std::size_t>(energy.sites()));
        x[vertex] = 1;
        return objective(energy, x);
    };
    const auto graph = drawn_graph(100, 1), again = drawn_graph(100, 1), other = drawn_graph(100, 2);
    REQUIRE(graph->sites() == 100);
    double ends = 0, first = 0, last = 0, difference = 0;
    for (std::size_t vertex = 0; vertex < 100; ++vertex) {
        const double edges = cut_of_one(*graph, vertex);
        CHECK(edges >= (vertex < 4 ? 1 : 4));
        CHECK(edges == cut_of_one(*again, vertex));
        difference += std::abs(edges - cut_of_one(*other, vertex));
        ends += edges;
        if (vertex < 10) first += edges;
        if (vertex >= 90) last += edges;
    }
    CHECK(ends == 2 * 4 * 96);
    CHECK(first > 3 * last);  // who comes early has more
    CHECK(difference > 20);
    CHECK(cut_of_one(*graph, 99) == 4);
}

TEST_CASE("the cut that others are measured against is the best one") {
    for (const int vertices : {6, 12, 16}) {
        const auto energy = drawn_graph(vertices, vertices);
        double best = 0;
        Bytes x(static_cast<std::size_t>(vertices));
        for (int state = 0; state < 1 << vertices; ++state) {
            for (int vertex = 0; vertex < vertices; ++vertex) x[vertex] = state >> vertex & 1;
            best = std::max(best, objective(*energy, x));
        }
        CHECK(best_of(*energy) == doctest::Approx(best));
    }
    const auto known = make("qubo", {{"file", folder + "example.graph"}, {"best_known", "12"}});
    CHECK(ratio(*known, Bytes{1, 0, 0, 0, 0, 0}) == 0.25);
    CHECK(make("qubo", {{"file", folder + "example.qubo"}, {"problem", "qubo"}})->observables().size() == 1);
}

TEST_CASE("the search finds optima that are known otherwise") {
    // Exact samples of a cold graph are its best cuts; this one's tree-width is small enough for them.
    const auto cold =
        make("qubo", {{"graph", "barabasi-albert"}, {"vertices", "60"}, {"degree", "2"}, {"beta", "1000"}});
    const auto sample = cold->reference_samples(1, 1);
    REQUIRE(sample.has_value());
    CHECK(ratio(*cold, sample->rows) == 1);

    const auto start = std::chrono::steady_clock::now();
    const auto torus = make("qubo", {{"file", g11 + ".txt"}});
    const double best = 564 / ratio(*torus, best_state_of_g11(*torus));
    CHECK(best <= 564);
    CHECK(best >= 562);
    std::cout << "G11: a cut of " << best << " by the search, in "
              << std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() << " s\n";
}

TEST_CASE("graphs that cannot be are refused") {
    CHECK(energy_plugin::refusal("qubo", {}) ==
          "`file` is not given; name a file of edges, or set graph = \"barabasi-albert\"");
    CHECK(energy_plugin::refusal("qubo", {{"graph", "barabasi-albert"}, {"vertices", "4"}}) ==
          "a graph of 4 vertices cannot bring 4 edges with each; give a degree from 1 to 3");
    CHECK(energy_plugin::refusal("qubo", {{"graph", "barabasi-albert"}, {"problem", "qubo"}}) ==
          "a graph that is drawn has a cut; leave problem = \"maxcut\", or give a file");
}

}  // namespace qubo_energy
