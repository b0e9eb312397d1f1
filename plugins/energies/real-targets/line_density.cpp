#include "line_density.h"

#include <algorithm>
#include <cmath>

namespace real_targets {
namespace {

constexpr std::size_t cells = 16384;
constexpr double room = 1.2;  // between the larger end of a cell and what f comes to in it

}  // namespace

LineDensity::LineDensity(std::function<double(double)> log_f, double low, double high)
    : log_f_(std::move(log_f)), low_(low), high_(high) {
    const double width = (high - low) / static_cast<double>(cells);
    std::vector<double> values;
    for (std::size_t i = 0; i <= cells; ++i) values.push_back(log_f_(low + width * static_cast<double>(i)));
    top_ = *std::max_element(values.begin(), values.end());
    double mass = 0, first = 0, second = 0;
    for (std::size_t i = 0; i <= cells; ++i) {
        const double y = low + width * static_cast<double>(i), f = values[i] = std::exp(values[i] - top_);
        mass += f;
        first += f * y;
        second += f * y * y;
    }
    log_z_ = top_ + std::log(mass * width);
    mean_ = first / mass;
    variance_ = second / mass - mean_ * mean_;
    double sum = 0;
    for (std::size_t i = 0; i < cells; ++i) {
        steps_.push_back(room * std::max(values[i], values[i + 1]));
        sums_.push_back(sum += steps_.back());
    }
}

double LineDensity::draw(marginalia::FastRandom& random) const {
    for (;;) {
        const auto found = std::upper_bound(sums_.begin(), sums_.end() - 1, random.uniform() * sums_.back());
        const auto cell = static_cast<std::size_t>(found - sums_.begin());
        const double y =
            low_ + (high_ - low_) * (static_cast<double>(cell) + random.uniform()) / static_cast<double>(cells);
        if (random.uniform() * steps_[cell] < std::exp(log_f_(y) - top_)) return y;
    }
}

}  // namespace real_targets
