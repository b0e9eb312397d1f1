#include "product_grid.h"

#include <algorithm>
#include <cmath>

#include "normal.h"

namespace real_targets {
namespace {

constexpr std::uint8_t unknown = 2;

std::size_t code_of(std::size_t cell) { return cell ^ (cell >> 1); }

std::size_t cell_of(marginalia::State code) {
    std::size_t cell = 0, bit = 0;
    for (const std::uint8_t symbol : code) cell = cell << 1 | (bit ^= symbol);
    return cell;
}

// The place of a number in [0, 1) among running sums of which the last is their total.
std::size_t place_in(const std::vector<double>& sums, double number) {
    return static_cast<std::size_t>(std::upper_bound(sums.begin(), sums.end() - 1, number * sums.back()) -
                                    sums.begin());
}

}  // namespace

ProductGrid::ProductGrid(std::vector<Axis> axes, int bits, std::size_t components, const LogDensity& log_density)
    : axes_(std::move(axes)), bits_(bits), components_(components) {
    const std::size_t cells = std::size_t{1} << bits;
    for (std::size_t m = 0; m < components; ++m)
        for (std::size_t d = 0; d < axes_.size(); ++d) {
            const double log_width = std::log((axes_[d].second - axes_[d].first) / static_cast<double>(cells));
            Line line{std::vector<double>(cells)};
            for (std::size_t cell = 0; cell < cells; ++cell)
                line.masses[code_of(cell)] = log_density(m, d, number_of(d, cell)) + log_width;
            line.log_sum = log_sum_exp(line.masses);
            line.log_largest = *std::max_element(line.masses.begin(), line.masses.end());
            for (double& mass : line.masses) mass = std::exp(mass - line.log_largest);
            lines_.push_back(std::move(line));
        }
}

double ProductGrid::number_of(std::size_t axis, std::size_t cell) const {
    const auto [low, high] = axes_[axis];
    return low + (high - low) * (static_cast<double>(cell) + 0.5) / std::ldexp(1.0, bits_);
}

double ProductGrid::log_sum_along(const Line& line, marginalia::State code) const {
    std::size_t known = 0, held = 0;
    for (const std::uint8_t symbol : code) {
        known = known << 1 | (symbol != unknown);
        held = held << 1 | (symbol == 1);
    }
    if (known == 0) return line.log_sum;
    if (known + 1 == line.masses.size()) return line.log_largest + std::log(line.masses[held]);
    double sum = 0;
    for (std::size_t cell = 0; cell < line.masses.size(); ++cell)
        if ((cell & known) == held) sum += line.masses[cell];
    return line.log_largest + std::log(sum);
}

double ProductGrid::log_sum(marginalia::State x) const {
    std::vector<double> terms(components_, 0.0);
    const auto bits = static_cast<std::size_t>(bits_);
    for (std::size_t m = 0; m < components_; ++m)
        for (std::size_t d = 0; d < axes_.size(); ++d) terms[m] += log_sum_along(line(m, d), x.subspan(d * bits, bits));
    return log_sum_exp(terms);
}

std::vector<double> ProductGrid::centre(marginalia::State x) const {
    std::vector<double> numbers;
    const auto bits = static_cast<std::size_t>(bits_);
    for (std::size_t d = 0; d < axes_.size(); ++d) numbers.push_back(number_of(d, cell_of(x.subspan(d * bits, bits))));
    return numbers;
}

std::vector<double> ProductGrid::component_sums() const {
    std::vector<double> logs(components_, 0.0), sums;
    for (std::size_t m = 0; m < components_; ++m)
        for (std::size_t d = 0; d < axes_.size(); ++d) logs[m] += line(m, d).log_sum;
    const double whole = log_sum_exp(logs);
    double sum = 0;
    for (const double log : logs) sums.push_back(sum += std::exp(log - whole));
    return sums;
}

std::vector<std::uint8_t> ProductGrid::samples(std::size_t count, std::uint64_t seed) const {
    marginalia::FastRandom random(seed);
    const std::vector<double> component_sums = this->component_sums();
    std::vector<std::vector<double>> sums;  // of the masses of each line
    for (const Line& line : lines_) {
        sums.emplace_back();
        double sum = 0;
        for (const double mass : line.masses) sums.back().push_back(sum += mass);
    }
    std::vector<std::uint8_t> rows;
    rows.reserve(count * axes_.size() * static_cast<std::size_t>(bits_));
    for (std::size_t row = 0; row < count; ++row) {
        const std::size_t m = place_in(component_sums, random.uniform());
        for (std::size_t d = 0; d < axes_.size(); ++d) {
            const std::size_t code = place_in(sums[m * axes_.size() + d], random.uniform());
            for (int bit = bits_; bit-- > 0;) rows.push_back(static_cast<std::uint8_t>(code >> bit & 1));
        }
    }
    return rows;
}

}  // namespace real_targets
