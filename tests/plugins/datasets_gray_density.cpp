// The dataset `gray-density`.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <set>

#include "tests/plugins/dataset_testing.h"

namespace datasets_gray_density {

using namespace dataset_testing;
using marginalia::Dataset;
using marginalia::Split;

namespace {

const std::map<std::string, double> reaches = {{"2spirals", 5.4925}, {"8gaussians", 6.194777}, {"circles", 5.7166},
                                               {"moons", 5.5861},    {"pinwheel", 5.946060},   {"swissroll", 5.3196},
                                               {"checkerboard", 6}};

std::unique_ptr<const Dataset> points(const std::string& density, int train = 4000, int seed = 0) {
    return make("gray-density", {{"density", density},
                                 {"train", std::to_string(train)},
                                 {"validation", "100"},
                                 {"test", "100"},
                                 {"seed", std::to_string(seed)}});
}

// The place of a number in the reflected Gray code by its first bits: the second half of the code is the first one
// backwards.
int place_of(const std::uint8_t* code, int length) {
    if (length == 0) return 0;
    const int half = 1 << (length - 1), rest = place_of(code + 1, length - 1);
    return code[0] == 0 ? rest : 2 * half - 1 - rest;
}

double coordinate(const std::uint8_t* code, double reach) {
    const double size = place_of(code + 1, 15) * reach / 32768;
    return code[0] == 1 ? -size : size;
}

std::pair<double, double> point_of(const Dataset& dataset, std::size_t index) {
    std::vector<double> values(2);
    dataset.observe(row_of(dataset, Split::train, index), values);
    return {values[0], values[1]};
}

}  // namespace

TEST_CASE("a row is two coordinates in Gray code, within the code's range") {
    for (const auto& [name, reach] : reaches) {
        CAPTURE(name);
        const auto dataset = points(name, 500);
        REQUIRE(dataset->sites() == 32);
        CHECK(dataset->categories() == 2);
        CHECK(dataset->size(Split::train) == 500);
        double largest = 0;
        for (std::size_t i = 0; i < 500; ++i) {
            const auto row = row_of(*dataset, Split::train, i);
            const auto [x, y] = point_of(*dataset, i);
            CHECK(x == doctest::Approx(coordinate(row.data(), reach)));
            CHECK(y == doctest::Approx(coordinate(row.data() + 16, reach)));
            largest = std::max({largest, std::abs(x), std::abs(y)});
        }
        CHECK(largest < reach - 1);
        CHECK(largest > reach - 3.5);
    }
}

TEST_CASE("points lie where their density is") {
    const double pi = std::numbers::pi;
    const auto board = points("checkerboard"), circles = points("circles"), stars = points("8gaussians");
    double squares = 0;
    int inner = 0;
    for (std::size_t i = 0; i < 4000; ++i) {
        const auto [x, y] = point_of(*board, i);
        CHECK(std::abs(x) <= 4);
        CHECK(std::abs(y) <= 4);
        const auto inside = [](double v) { return std::abs(v - 2 * std::round(v / 2)) > 0.001; };  // not on an edge
        const auto side = [](double v) { return static_cast<int>(std::floor(v / 2)); };
        if (inside(x) && inside(y)) CHECK((side(x) + side(y)) % 2 == 0);  // the squares of one colour

        const auto [u, v] = point_of(*circles, i);
        const double radius = std::hypot(u, v);
        CHECK(std::min(std::abs(radius - 3), std::abs(radius - 1.5)) < 6 * 0.24);
        inner += radius < 2.25;

        const auto [a, b] = point_of(*stars, i);
        const double angle = std::round(std::atan2(b, a) / (pi / 4)) * pi / 4, centre = 4 / 1.414;
        CHECK(std::hypot(a - centre * std::cos(angle), b - centre * std::sin(angle)) < 6 * 0.354);
        squares += a * a + b * b;
    }
    CHECK(std::abs(inner - 2000) < 5 * std::sqrt(1000.0));
    // E|p|^2 = (16 + 2 / 4) / 1.414^2, with the standard deviation of (4 + normal / 2)^2 for its spread; 5 sigma.
    CHECK(std::abs(squares / 4000 - 16.5 / (1.414 * 1.414)) < 5 * 4.1 / (1.414 * 1.414) / std::sqrt(4000.0));
}

TEST_CASE("rows are the same for the same seed, and splits have their own") {
    const auto one = points("moons"), again = points("moons"), other = points("moons", 4000, 1);
    int equal = 0;
    std::set<std::string> seen;
    for (std::size_t i = 0; i < 100; ++i) {
        CHECK(text_of(*one, Split::train, i) == text_of(*again, Split::train, i));
        equal += text_of(*one, Split::train, i) == text_of(*other, Split::train, i);
        for (const Split split : {Split::train, Split::validation, Split::test}) seen.insert(text_of(*one, split, i));
    }
    CHECK(equal == 0);
    CHECK(seen.size() == 300);
    CHECK_THROWS_WITH_AS(row_of(*one, Split::test, 100), "there is no row 100; the split has 100", marginalia::Error);
}

}  // namespace datasets_gray_density
