#include "kernel/worker/check/chi_square.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "kernel/worker/check/checker.h"

namespace marginalia {
namespace {

constexpr double least_expected = 5;

struct Cell {
    double expected = 0;
    double counted = 0;
};

// Cells of few expected counts, smallest first, put together until each holds enough.
std::vector<Cell> pooled(std::vector<Cell> cells) {
    std::sort(cells.begin(), cells.end(), [](const Cell& a, const Cell& b) { return a.expected < b.expected; });
    std::vector<Cell> large;
    Cell open;
    for (const Cell& cell : cells) {
        open.expected += cell.expected;
        open.counted += cell.counted;
        if (open.expected < least_expected) continue;
        large.push_back(open);
        open = {};
    }
    if (large.empty()) return {open};
    large.back().expected += open.expected;
    large.back().counted += open.counted;
    return large;
}

// 1 - Q by the series, for x < a + 1.
double lower_series(double a, double x) {
    double term = 1 / a, sum = term;
    for (double n = a + 1; std::abs(term) > 1e-16 * std::abs(sum); ++n) sum += term *= x / n;
    return sum * std::exp(a * std::log(x) - x - std::lgamma(a));
}

// Q by Lentz's continued fraction, for x >= a + 1.
double upper_fraction(double a, double x) {
    constexpr double tiny = 1e-300;
    double b = x + 1 - a, c = 1 / tiny, d = 1 / b, h = d;
    for (double i = 1; i < 1e5; ++i) {
        const double factor = -i * (i - a);
        b += 2;
        d = 1 / (std::abs(factor * d + b) < tiny ? tiny : factor * d + b);
        c = std::abs(b + factor / c) < tiny ? tiny : b + factor / c;
        h *= d * c;
        if (std::abs(d * c - 1) < 1e-15) break;
    }
    return h * std::exp(a * std::log(x) - x - std::lgamma(a));
}

}  // namespace

double chi_square_tail(double statistic, double freedom) {
    const double a = freedom / 2, x = statistic / 2;
    if (x <= 0 || a <= 0) return 1;
    return x < a + 1 ? 1 - lower_series(a, x) : upper_fraction(a, x);
}

ChiSquare chi_square(std::span<const double> probabilities, std::span<const std::int64_t> counts) {
    const auto total = static_cast<double>(std::accumulate(counts.begin(), counts.end(), std::int64_t{0}));
    std::vector<Cell> cells;
    for (std::size_t i = 0; i < probabilities.size(); ++i) {
        if (probabilities[i] <= 0 && counts[i] > 0) return {std::numeric_limits<double>::infinity(), 1, 0};
        if (probabilities[i] > 0) cells.push_back({probabilities[i] * total, static_cast<double>(counts[i])});
    }
    cells = pooled(std::move(cells));
    ChiSquare result;
    for (const Cell& cell : cells)
        result.statistic += (cell.counted - cell.expected) * (cell.counted - cell.expected) / cell.expected;
    result.freedom = static_cast<std::int64_t>(cells.size()) - 1;
    result.p = chi_square_tail(result.statistic, static_cast<double>(result.freedom));
    return result;
}

std::string ChiSquare::text() const {
    return "chi-square " + rounded(statistic) + " on " + std::to_string(freedom) +
           " degrees of freedom, p = " + rounded(p);
}

}  // namespace marginalia
