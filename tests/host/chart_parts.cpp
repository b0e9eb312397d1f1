// Charts: what is drawn where.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "kernel/host/chart/chart.h"
#include "kernel/host/chart/svg_chart.h"
#include "kernel/host/chart/text_chart.h"
#include "kernel/host/results/text.h"

namespace chart_parts {

using namespace marginalia;
using namespace marginalia::chart;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

std::size_t count_of(const std::string& text, const std::string& part) {
    std::size_t count = 0;
    for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + part.size())) ++count;
    return count;
}

Chart two_lines() {
    return {.title = "one & two",
            .x_name = "steps",
            .series = {{"rising <up>", {0, 1, 2}, {0, 5, 10}, {-1, 4, 9}, {1, 6, 11}},
                       {"falling", {0, 2}, {10, 0}, {}, {}}}};
}

}  // namespace

TEST_CASE("a histogram counts every finite value once, between round edges") {
    const std::vector<double> values = {0.11, 0.12, 0.31, 0.5, 0.99, std::nan(""), infinity};
    const Series bars = histogram(values, false);
    CHECK(bars.x.size() == bars.y.size() + 1);
    CHECK(std::accumulate(bars.y.begin(), bars.y.end(), 0.0) == 5);
    CHECK(bars.x.front() <= 0.11);
    CHECK(bars.x.back() >= 0.99);
    for (const double edge : bars.x) CHECK(std::abs(edge * 10 - std::round(edge * 10)) < 1e-9);
    CHECK(bars.y.front() == 2);  // 0.11 and 0.12
}

TEST_CASE("a logarithmic histogram has edges of equal ratio and leaves out what is not positive") {
    const Series bars = histogram({-1, 0, 0.001, 0.01, 0.1, 1}, true);
    CHECK(std::accumulate(bars.y.begin(), bars.y.end(), 0.0) == 4);
    for (std::size_t i = 2; i < bars.x.size(); ++i)
        CHECK(bars.x[i] / bars.x[i - 1] == doctest::Approx(bars.x[1] / bars.x[0]));
    CHECK(histogram({-1, 0}, true).x.empty());
    CHECK(histogram({7, 7, 7}, false).y.size() >= 1);
}

TEST_CASE("a frame holds curves and bands, and of a logarithmic scale what is positive") {
    Chart chart = two_lines();
    CHECK(frame_of(chart).y.range.low == -1);
    CHECK(frame_of(chart).y.range.high == 11);
    chart.y_logarithmic = true;
    CHECK(frame_of(chart).y.range.low == doctest::Approx(std::log10(4)));
    CHECK(frame_of(Chart{.series = {{"", {1, 2}, {std::nan(""), infinity}, {}, {}}}}).empty());
}

TEST_CASE("several curves have letters at their ends and in the legend") {
    const std::vector<std::string> lines = titled_text_chart(two_lines(), 50, 12, TextStyle::plain);
    CHECK(lines.front() == "one & two");
    CHECK(lines[lines.size() - 2] == "a  rising <up>");
    CHECK(lines.back() == "b  falling");
    std::size_t row_a = 0, row_b = 0;
    for (std::size_t i = 1; i <= 10; ++i) {
        if (lines[i].ends_with(" a")) row_a = i;
        if (lines[i].ends_with(" b")) row_b = i;
    }
    CHECK(row_a > 0);
    CHECK(row_a < row_b);  // the rising one ends above
    for (const std::string& line : lines) CHECK(display_width(line) <= 50);
    for (const std::string& line : titled_text_chart(two_lines(), 50, 12, TextStyle::ascii))
        for (const char c : line) CHECK((c >= ' ' && c <= '~'));
}

TEST_CASE("colours are the only escape codes, and each is taken back") {
    std::string text;
    for (const std::string& line : titled_text_chart(two_lines(), 60, 14, TextStyle::coloured)) text += line;
    CHECK(count_of(text, "\x1b[38;5;") == count_of(text, "\x1b[0m"));
    CHECK(count_of(text, "\x1b") == 2 * count_of(text, "\x1b[0m"));
}

TEST_CASE("an SVG chart has a path for each curve and its band, and texts that are no markup") {
    const Chart chart = two_lines();
    const std::string svg = svg_charts({&chart, 1}, 600, 300);
    CHECK(svg.starts_with("<svg "));
    CHECK(svg.ends_with("</svg>\n"));
    CHECK(count_of(svg, "stroke-width=\"1.8\"") == 4);  // curves, and their swatches in the legend
    CHECK(count_of(svg, "fill-opacity") == 1);
    CHECK(svg.find("rising &lt;up&gt;") != svg.npos);
    CHECK(svg.find("one &amp; two") != svg.npos);
    CHECK(svg.find("nan") == svg.npos);
    const std::vector<Chart> both = {chart, chart};
    CHECK(svg_charts(both, 600, 300).find("height=\"600\"") != svg.npos);
}

TEST_CASE("gaps divide a curve, and a point by itself is a dot") {
    const Chart chart{.series = {{"", {0, 1, 2, 3, 4}, {1, 2, std::nan(""), 3, infinity}, {}, {}}}};
    const std::string svg = svg_charts({&chart, 1}, 300, 200);
    const std::size_t at = svg.find("<path d=\"M", svg.find("stroke=\"#303030\"/>\n<path") - 1);
    CHECK(count_of(svg, "h0.01") == 1);
    CHECK(svg.find("inf", at) == svg.npos);
}

}  // namespace chart_parts
