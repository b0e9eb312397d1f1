#include "kernel/host/chart/scale.h"

#include <algorithm>
#include <cmath>

namespace marginalia::chart {
namespace {

constexpr double many_powers = 2;  // of ten, from which on a linear scale shows the greatest values alone
constexpr double slack = 1e-9;     // what rounding may take off a bound

std::vector<double> powers_of_ten(double low, double high, std::size_t most) {
    std::vector<double> found;
    const double powers = std::log10(high) - std::log10(low);
    const int every = std::max(1, static_cast<int>(std::ceil((powers + 1) / static_cast<double>(most))));
    for (int power = static_cast<int>(std::floor(std::log10(low))); power <= std::log10(high) + slack; power += every)
        for (const double factor : {1.0, 2.0, 5.0}) {
            const double tick = factor * std::pow(10, power);
            const bool wanted = factor == 1 || 3 * (powers + 1) <= static_cast<double>(most);
            if (wanted && tick >= low * (1 - slack) && tick <= high * (1 + slack)) found.push_back(tick);
        }
    return found;
}

}  // namespace

void Range::take(double value) { low = std::min(low, value), high = std::max(high, value); }

// By halves: the range may be beyond the greatest number.
double Range::place(double value) const { return high > low ? (value / 2 - low / 2) / (high / 2 - low / 2) : 0.5; }

Range finite_range(std::span<const double> values) {
    Range range;
    for (const double value : values)
        if (std::isfinite(value)) range.take(value);
    return range;
}

double scaled(double value, bool logarithmic) {
    if (!logarithmic) return value;
    return value > 0 ? std::log10(value) : std::nan("");
}

bool may_be_logarithmic(std::span<const double> values) {
    const Range range = finite_range(values);
    return !range.empty() && range.low > 0;
}

bool wants_logarithm(std::span<const double> values) {
    const Range range = finite_range(values);
    return may_be_logarithmic(values) && std::log10(range.high) - std::log10(range.low) > many_powers;
}

std::vector<double> ticks(double low, double high, std::size_t most, bool logarithmic) {
    if (!std::isfinite(low) || !std::isfinite(high) || low > high || most == 0) return {};
    if (logarithmic)
        if (std::vector<double> found = powers_of_ten(low, high, most); found.size() > 1) return found;
    const double raw = (high - low) / static_cast<double>(most), power = std::pow(10, std::floor(std::log10(raw)));
    double step = power;
    for (const double factor : {1.0, 2.0, 5.0, 10.0}) {
        step = factor * power;
        if (step >= raw) break;
    }
    if (!(step > 0) || !std::isfinite(step)) return {low};
    std::vector<double> found;
    for (double i = std::ceil(low / step - slack); i * step <= high + slack * step && found.size() < most + 1; ++i)
        found.push_back(i * step);
    return found;
}

void Axis::take(double value) {
    if (const double at = scaled(value, logarithmic); std::isfinite(at)) range.take(at);
}

void Axis::widen() {
    if (range.high != range.low) return;
    const double room = range.low == 0 || logarithmic ? 1 : std::abs(range.low) / 2;
    range.low -= room, range.high += room;
}

double Axis::place(double value) const {
    const double at = scaled(value, logarithmic);
    return std::isfinite(at) ? range.place(at) : std::nan("");
}

std::vector<double> Axis::ticks(std::size_t most) const {
    const auto back = [this](double value) { return logarithmic ? std::pow(10, value) : value; };
    return chart::ticks(back(range.low), back(range.high), most, logarithmic);
}

}  // namespace marginalia::chart
