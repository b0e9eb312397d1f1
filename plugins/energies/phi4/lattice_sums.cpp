#include "lattice_sums.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "real-targets/normal.h"

namespace phi4 {
namespace {

using Matrix = std::vector<double>;  // square, row after row

constexpr std::size_t grid = 32;  // numbers that a site takes in the transfer matrix
constexpr double most_reach = 9;  // of them, with which they lie close enough for a density as wide as exp(-φ²)

// Calls visit(sum of cos k) for each wave of the lattice: with it the free field's matrix has the eigenvalue
// a - 2 κ (cos k_x + cos k_y), a being the coefficient of -φ².
template <class Visit>
void for_waves(const Field& field, const Visit& visit) {
    for (std::size_t row = 0; row < field.rows; ++row)
        for (std::size_t column = 0; column < field.columns; ++column)
            visit(std::cos(2 * std::numbers::pi * static_cast<double>(row) / static_cast<double>(field.rows)) +
                  std::cos(2 * std::numbers::pi * static_cast<double>(column) / static_cast<double>(field.columns)));
}

double site_count(const Field& field) { return static_cast<double>(field.rows * field.columns); }

// <φ²> of the field with -a φ² in place of the potential.
double free_variance(const Field& field, double a) {
    double sum = 0;
    for_waves(field, [&](double cosines) { sum += 0.5 / (a - 2 * field.kappa * cosines); });
    return sum / site_count(field);
}

double free_log_z(const Field& field) {
    double sum = 0;
    for_waves(field, [&](double cosines) { sum += std::log(std::numbers::pi / (1 - 2 * field.kappa * cosines)) / 2; });
    return sum;
}

double potential(const Field& field, double y) { return (1 - 2 * field.lambda) * y * y + field.lambda * y * y * y * y; }

Matrix product(const Matrix& a, const Matrix& b, std::size_t n) {
    Matrix c(n * n, 0.0);
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t k = 0; k < n; ++k)
            for (std::size_t j = 0; j < n; ++j) c[i * n + j] += a[i * n + k] * b[k * n + j];
    return c;
}

// Numbers from -reach to reach beyond which f is as good as 0: 45 nats below its height, were all sites alike.
double reach_of(const Field& field) {
    double best = 0, reach = 0.5;
    const auto log_f = [&](double y) { return 4 * field.kappa * y * y - potential(field, y); };
    for (double y = 0; y < 50; y += 0.01) best = std::max(best, log_f(y));
    while (log_f(reach) > best - 45) reach += 0.05;
    return reach;
}

// Lines of one or two sites, as numbers of the grid.
class Lines {
public:
    Lines(const Field& field, std::size_t width) : field_(field), width_(width), reach_(reach_of(field)) {}

    std::size_t count() const { return width_ == 1 ? grid : grid * grid; }

    // The log of what passes from one line to the next: the bonds between them, and half of what each has alone.
    double log_step(std::size_t from, std::size_t to) const {
        double sum = (log_alone(from) + log_alone(to)) / 2;
        for (std::size_t site = 0; site < width_; ++site)
            sum += 2 * field_.kappa * number(from, site) * number(to, site);
        return sum;
    }

private:
    double number(std::size_t line, std::size_t site) const {
        const std::size_t place = site == 0 ? line % grid : line / grid;
        return reach_ * (2 * (static_cast<double>(place) + 0.5) / static_cast<double>(grid) - 1);
    }
    // Each site with the next along the line, which is a ring, and the width of its cell.
    double log_alone(std::size_t line) const {
        double sum = 0;
        for (std::size_t site = 0; site < width_; ++site)
            sum += 2 * field_.kappa * number(line, site) * number(line, (site + 1) % width_) -
                   potential(field_, number(line, site)) + std::log(2 * reach_ / static_cast<double>(grid));
        return sum;
    }

    const Field field_;
    const std::size_t width_;
    const double reach_;
};

// log of the trace of a matrix's power, by squaring; the matrix's largest entry is 1.
double log_trace_of_power(Matrix matrix, std::size_t n, std::size_t power) {
    Matrix whole;
    double log_matrix = 0, log_whole = 0;
    const auto normalise = [](Matrix& m, double& log) {
        const double largest = *std::max_element(m.begin(), m.end());
        for (double& value : m) value /= largest;
        log += std::log(largest);
    };
    for (; power > 0; power /= 2) {
        if (power % 2 == 1) {
            whole = whole.empty() ? matrix : product(whole, matrix, n);
            log_whole += log_matrix;
            normalise(whole, log_whole);
        }
        if (power == 1) break;
        matrix = product(matrix, matrix, n);
        log_matrix *= 2;
        normalise(matrix, log_matrix);
    }
    double trace = 0;
    for (std::size_t i = 0; i < n; ++i) trace += whole[i * n + i];
    return log_whole + std::log(trace);
}

std::optional<double> narrow_log_z(const Field& field) {
    if (reach_of(field) > most_reach) return std::nullopt;
    const std::size_t width = std::min(field.rows, field.columns), length = std::max(field.rows, field.columns);
    const Lines lines(field, width);
    const std::size_t n = lines.count();
    Matrix steps(n * n);
    for (std::size_t from = 0; from < n; ++from)
        for (std::size_t to = 0; to < n; ++to) steps[from * n + to] = lines.log_step(from, to);
    const double largest = *std::max_element(steps.begin(), steps.end());
    for (double& step : steps) step = std::exp(step - largest);
    return static_cast<double>(length) * largest + log_trace_of_power(std::move(steps), n, length);
}

}  // namespace

// <φ²> = v solves v = that of the free field with a = 1 - 2 λ + 6 λ v, whose right side falls with v.
std::optional<double> deviation_of(const Field& field) {
    const double least_a = 4 * field.kappa, a_without = 1 - 2 * field.lambda;
    if (field.lambda == 0) {
        if (a_without <= least_a) return std::nullopt;
        return std::sqrt(free_variance(field, a_without));
    }
    double low = std::max(0.0, (least_a - a_without) / (6 * field.lambda)), high = low + 1e6;
    for (int halving = 0; halving < 200; ++halving) {
        const double v = (low + high) / 2, a = a_without + 6 * field.lambda * v;
        (a <= least_a || free_variance(field, a) > v ? low : high) = v;
    }
    return std::sqrt(high);
}

std::optional<double> log_z_of(const Field& field) {
    if (field.lambda == 0) return free_log_z(field);
    if (std::min(field.rows, field.columns) > 2) return std::nullopt;
    return narrow_log_z(field);
}

}  // namespace phi4
