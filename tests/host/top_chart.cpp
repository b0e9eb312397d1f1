// The live view's curves without a terminal: sparklines, ticks and plots.
#include "kernel/host/top/chart.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "kernel/host/chart/scale.h"

namespace marginalia::top::top_chart {

constexpr double infinity = std::numeric_limits<double>::infinity();

TEST_CASE("a sparkline has one block a value, from the lowest to the highest") {
    CHECK(sparkline(std::vector<double>{1, 2, 3, 4, 5, 6, 7, 8}) == "▁▂▃▄▅▆▇█");
    CHECK(sparkline(std::vector<double>{8, std::nan(""), 1, infinity}) == "█×▁×");
    CHECK(sparkline(std::vector<double>{5, 5}) == "▅▅");
    CHECK(sparkline(std::vector<double>{}).empty());
    // Over three powers of ten, equal factors are equal steps.
    CHECK(sparkline(std::vector<double>{1000, 100, 10, 1}) == "█▆▃▁");
    CHECK(sparkline(std::vector<double>{1e308, -1e308}) == "█▁");
}

TEST_CASE("ticks are round numbers within the range") {
    CHECK(chart::ticks(0, 10, 5, false) == std::vector<double>{0, 2, 4, 6, 8, 10});
    CHECK(chart::ticks(0.1, 0.95, 4, false).size() == 1);
    CHECK(chart::ticks(0, 1000, 2, false) == std::vector<double>{0, 500, 1000});
    CHECK(chart::ticks(0.01, 100, 5, true) == std::vector<double>{0.01, 0.1, 1, 10, 100});
    CHECK(chart::ticks(3, 3, 5, false) == std::vector<double>{3});
    CHECK(chart::ticks(-infinity, 3, 5, false).empty());
    for (const double tick : chart::ticks(0.021, 0.047, 5, true)) CHECK((tick >= 0.021 && tick <= 0.047));
    CHECK(chart::ticks(-1e308, 1e308, 5, false).size() <= 6);
    CHECK(chart::ticks(1e17, 1e17 + 32, 5, false).size() <= 6);
}

std::vector<store::CurvePoint> curve(const std::vector<double>& values) {
    std::vector<store::CurvePoint> points;
    for (const double value : values) points.push_back({static_cast<std::int64_t>(10 * points.size()), value, 0});
    return points;
}

TEST_CASE("a plot of a straight line goes from one corner to the other") {
    const auto lines = plot(curve({0, 1, 2, 3, 4}), {30, 12}, false);
    REQUIRE(lines.size() == 12);
    CHECK(lines.front().starts_with("4 ┤" + std::string(20, ' ')));
    CHECK(display_width(lines.front()) == 30);
    CHECK(lines[9].starts_with("0 ┤\xe2\xa1"));  // a dot in the cell's last row
    CHECK(lines[10].starts_with("  └┬"));
    CHECK(lines[11].starts_with("   0"));
    CHECK(lines[11].find("40") != std::string::npos);
}

TEST_CASE("a plot keeps to its size whatever the values are") {
    const std::vector<std::vector<double>> curves = {
        {},         {1}, {0, 0}, {std::nan(""), infinity}, {1e308, -1e308, 0}, {1, std::nan(""), 2}, {-1, 1e-300, 5},
        {1e-5, 1e5}};
    for (const auto& values : curves)
        for (const Size size : {Size{20, 4}, Size{44, 7}, Size{200, 40}})
            for (const bool logarithmic : {false, true}) {
                const auto lines = plot(curve(values), size, logarithmic);
                CHECK(lines.size() == size.height);
                for (const std::string& line : lines) CHECK_MESSAGE(display_width(line) <= size.width, line);
            }
}

TEST_CASE("points that are not finite leave a gap in a plot") {
    const auto cells = [](const std::vector<double>& values) {
        std::size_t count = 0;
        for (const std::string& line : plot(curve(values), {23, 5}, false))
            for (std::size_t at = line.find("\xe2\xa0"); at != line.npos; at = line.find("\xe2\xa0", at + 1)) ++count;
        return count;
    };
    CHECK(cells({1, std::nan(""), 1}) == 2);
    CHECK(cells({1, 1, 1}) == 18);
}

}  // namespace marginalia::top::top_chart
