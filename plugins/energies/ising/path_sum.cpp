#include "path_sum.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include <marginalia/wide.h>

#include "log_sum.h"

namespace ising {
namespace {

// Unrolled early, a loop over the lanes is not made of vectors any more.
#if defined(__GNUC__) && !defined(__clang__)
#define ISING_LANES _Pragma("GCC unroll 1")
#else
#define ISING_LANES
#endif

constexpr std::size_t lanes = PathSum::lanes;
constexpr std::size_t steps_between_scalings = 8;  // a step changes an entry by at most e^40

// Entries that lie together whatever the neighbours' spins.
std::size_t run_of(const PathSum::Shape& shape) {
    return std::size_t{1} << std::min({shape.place, shape.left, shape.right, std::countr_zero(shape.rest)});
}

std::size_t neighbours_at(const PathSum::Shape& shape, std::size_t rest) {
    return 2 * (rest >> shape.left & 1) + (rest >> shape.right & 1);
}

std::size_t with_axis(const PathSum::Shape& shape, std::size_t rest) {
    const std::size_t below = (std::size_t{1} << shape.place) - 1;
    return (rest & ~below) << 1 | (rest & below);
}

// An unknown spin goes, an unknown one comes.
MARGINALIA_WIDE void replace_path_axis(double* entries, const PathSum::Shape& shape, const PathSum::Weights& weights) {
    const std::size_t run = run_of(shape), stride = lanes << shape.place;
    for (std::size_t rest = 0; rest < shape.rest; rest += run) {
        const auto& weight = weights[neighbours_at(shape, rest)];
        const double* __restrict dd = weight[0][0].data();
        const double* __restrict du = weight[0][1].data();
        const double* __restrict ud = weight[1][0].data();
        const double* __restrict uu = weight[1][1].data();
        double* __restrict down = entries + with_axis(shape, rest) * lanes;
        double* __restrict up = down + stride;
        for (std::size_t i = 0; i < run; ++i, down += lanes, up += lanes)
            ISING_LANES for (std::size_t j = 0; j < lanes; ++j) {
                const double a = down[j], b = up[j];
                down[j] = dd[j] * a + du[j] * b;
                up[j] = ud[j] * a + uu[j] * b;
            }
    }
}

// An unknown spin goes, a known one comes.
MARGINALIA_WIDE void contract_path_axis(const double* entries, double* others, const PathSum::Shape& shape,
                                        const PathSum::Weights& weights) {
    const std::size_t run = run_of(shape), stride = lanes << shape.place;
    for (std::size_t rest = 0; rest < shape.rest; rest += run) {
        const auto& weight = weights[neighbours_at(shape, rest)];
        const double* __restrict of_down = weight[0][0].data();
        const double* __restrict of_up = weight[0][1].data();
        const double* __restrict down = entries + with_axis(shape, rest) * lanes;
        const double* __restrict up = down + stride;
        double* __restrict out = others + rest * lanes;
        for (std::size_t i = 0; i < run; ++i, down += lanes, up += lanes, out += lanes)
            ISING_LANES for (std::size_t j = 0; j < lanes; ++j) out[j] = of_down[j] * down[j] + of_up[j] * up[j];
    }
}

// A known spin goes, an unknown one comes.
MARGINALIA_WIDE void expand_path_axis(const double* entries, double* others, const PathSum::Shape& shape,
                                      const PathSum::Weights& weights) {
    const std::size_t run = run_of(shape), stride = lanes << shape.place;
    for (std::size_t rest = 0; rest < shape.rest; rest += run) {
        const auto& weight = weights[neighbours_at(shape, rest)];
        const double* __restrict to_down = weight[0][0].data();
        const double* __restrict to_up = weight[1][0].data();
        const double* __restrict in = entries + rest * lanes;
        double* __restrict down = others + with_axis(shape, rest) * lanes;
        double* __restrict up = down + stride;
        for (std::size_t i = 0; i < run; ++i, in += lanes, down += lanes, up += lanes)
            ISING_LANES for (std::size_t j = 0; j < lanes; ++j) down[j] = to_down[j] * in[j], up[j] = to_up[j] * in[j];
    }
}

// A known spin goes, a known one comes.
MARGINALIA_WIDE void scale_path(double* entries, const PathSum::Shape& shape, const PathSum::Weights& weights) {
    const std::size_t run = run_of(shape);
    for (std::size_t rest = 0; rest < shape.rest; rest += run) {
        const double* __restrict weight = weights[neighbours_at(shape, rest)][0][0].data();
        double* __restrict entry = entries + rest * lanes;
        for (std::size_t i = 0; i < run; ++i, entry += lanes)
            ISING_LANES for (std::size_t j = 0; j < lanes; ++j) entry[j] *= weight[j];
    }
}

MARGINALIA_WIDE void find_largest(const double* entries, std::size_t count, double* __restrict largest) {
    for (std::size_t i = 0; i < count; ++i, entries += lanes)
        ISING_LANES for (std::size_t j = 0; j < lanes; ++j) largest[j] =
            entries[j] > largest[j] ? entries[j] : largest[j];
}

}  // namespace

PathSum::PathSum(const Lattice& lattice, const PathPlan& plan)
    : plan_(plan), columns_(1 + std::max_element(plan.steps.begin(), plan.steps.end(),
                                                 [](const Step& a, const Step& b) { return a.column < b.column; })
                                    ->column),
      log_unit_(3 * std::abs(lattice.coupling) + std::abs(lattice.field)),
      path_spins_(static_cast<std::size_t>(columns_)), entries_(lanes << plan.most_axes), others_(entries_.size()) {
    for (int up = 0; up < 2; ++up)
        for (int around = -3; around <= 3; ++around)
            weight_[up][around + 3] = std::exp((2 * up - 1) * (lattice.coupling * around + lattice.field) - log_unit_);
}

double PathSum::log_sum() {
    LogSum total;
    const std::size_t choices = std::size_t{1} << plan_.unknown_columns.size();
    for (std::size_t first = 0; first < choices; first += lanes) total.add(log_sum_of(first));
    return total.value() + log_unit_ * static_cast<double>(plan_.steps.size());
}

double PathSum::log_sum_of(std::size_t first) {
    for (std::size_t bit = 0; bit < plan_.unknown_columns.size(); ++bit)
        for (std::size_t lane = 0; lane < lanes; ++lane)
            path_spins_[static_cast<std::size_t>(plan_.unknown_columns[bit])][lane] =
                (first + lane) >> bit & 1 ? 1 : -1;
    axes_ = 0;
    factor_.fill(1);
    log_scale_.fill(0);
    std::fill_n(entries_.begin(), lanes, 1.0);
    std::size_t taken = 0;
    for (const Step& step : plan_.steps) {
        take(step);
        if (++taken % steps_between_scalings == 0) rescale();
    }
    LogSum sum;
    const std::size_t choices = std::size_t{1} << plan_.unknown_columns.size();
    for (std::size_t lane = 0; lane < std::min(lanes, choices); ++lane)
        sum.add(std::log(entries_[lane] * factor_[lane]) + log_scale_[lane]);
    return sum.value();
}

std::int32_t PathSum::neighbour(const Step& step, int side) const { return (step.column + side + columns_) % columns_; }

PathSum::Shape PathSum::shape_of(const Step& step) const {
    const std::uint64_t rest = axes_ & ~(std::uint64_t{1} << step.column);
    const auto place_of = [&](std::int32_t column) { return std::popcount(rest & ((std::uint64_t{1} << column) - 1)); };
    Shape shape{std::size_t{1} << std::popcount(rest), place_of(step.column)};
    if (step.left == Spin::unknown) shape.left = place_of(neighbour(step, -1));
    if (step.right == Spin::unknown) shape.right = place_of(neighbour(step, 1));
    return shape;
}

// -1, 1, or 0 where there is none; `up` where it is unknown.
int PathSum::spin_of(Spin spin, std::int32_t column, bool up, std::size_t lane) const {
    switch (spin) {
        case Spin::absent: return 0;
        case Spin::down: return -1;
        case Spin::up: return 1;
        case Spin::unknown: return up ? 1 : -1;
        case Spin::on_path: return path_spins_[static_cast<std::size_t>(column)][lane];
    }
    return 0;
}

PathSum::Weights PathSum::weights_of(const Step& step) const {
    Weights weights;
    for (unsigned left = 0; left <= (step.left == Spin::unknown); ++left)
        for (unsigned right = 0; right <= (step.right == Spin::unknown); ++right)
            for (unsigned to = 0; to <= (step.after == Spin::unknown); ++to)
                for (unsigned from = 0; from <= (step.before == Spin::unknown); ++from)
                    for (std::size_t lane = 0; lane < lanes; ++lane) {
                        const int around = spin_of(step.left, neighbour(step, -1), left, lane) +
                                           spin_of(step.right, neighbour(step, 1), right, lane) +
                                           spin_of(step.before, step.column, from, lane);
                        const bool up = spin_of(step.after, step.column, to, lane) > 0;
                        weights[2 * left + right][to][from][lane] = weight_[up][around + 3] * factor_[lane];
                    }
    return weights;
}

void PathSum::take(const Step& step) {
    const Shape shape = shape_of(step);
    const Weights weights = weights_of(step);
    factor_.fill(1);
    const bool from = step.before == Spin::unknown, to = step.after == Spin::unknown;
    if (from && to) return replace_path_axis(entries_.data(), shape, weights);
    if (!from && !to) return scale_path(entries_.data(), shape, weights);
    if (from) contract_path_axis(entries_.data(), others_.data(), shape, weights);
    else expand_path_axis(entries_.data(), others_.data(), shape, weights);
    entries_.swap(others_);
    axes_ ^= std::uint64_t{1} << step.column;
}

void PathSum::rescale() {
    Lane largest{};
    find_largest(entries_.data(), std::size_t{1} << std::popcount(axes_), largest.data());
    for (std::size_t lane = 0; lane < lanes; ++lane) {
        factor_[lane] = 1 / largest[lane];
        log_scale_[lane] += std::log(largest[lane]);
    }
}

}  // namespace ising
