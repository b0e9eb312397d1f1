// The median stopping rule.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "kernel/host/results/text.h"
#include "kernel/host/run/stop_rules.h"

namespace marginalia {
namespace {

constexpr std::size_t most_points = 256;  // kept of a curve

}  // namespace

// Once there are too many, every other point goes, and of those that come as many.
void RunningAverage::add(std::int64_t step, double value) {
    sum_ += value;
    ++count_;
    if ((count_ - 1) % stride_ != 0) return;
    points_.push_back({step, sum_ / static_cast<double>(count_)});
    if (points_.size() <= most_points) return;
    for (std::size_t i = 0; 2 * i < points_.size(); ++i) points_[i] = points_[2 * i];
    points_.resize((points_.size() + 1) / 2);
    stride_ *= 2;
}

std::optional<double> RunningAverage::up_to(std::int64_t step) const {
    const auto after = std::ranges::upper_bound(points_, step, {}, &Point::step);
    if (after == points_.begin() || !std::isfinite(std::prev(after)->average)) return std::nullopt;
    return std::prev(after)->average;
}

void MedianRule::add(Curve& curve, std::int64_t step, double value) const {
    const double bad = badness(value, goal_);
    curve.average.add(step, bad);
    if (!std::isnan(bad) && (!curve.best || bad < *curve.best)) curve.best = bad;
}

void MedianRule::begin(store::TrialId trial, const std::vector<store::CurvePoint>& points) {
    Curve& curve = curves_[trial] = {};
    for (const store::CurvePoint& point : points) add(curve, point.step, point.value);
}

void MedianRule::complete(store::TrialId trial) { curves_[trial].complete = true; }

std::optional<std::string> MedianRule::see(store::TrialId trial, std::int64_t step, double value) {
    Curve& own = curves_[trial];
    add(own, step, value);
    if (step < stop_.least_steps) return std::nullopt;
    std::vector<double> others;
    for (const auto& [other, curve] : curves_)
        if (const auto average = curve.complete && other != trial ? curve.average.up_to(step) : std::nullopt)
            others.push_back(*average);
    if (others.size() < static_cast<std::size_t>(stop_.least_trials)) return std::nullopt;
    const auto middle = others.begin() + static_cast<std::ptrdiff_t>(others.size() / 2);
    std::ranges::nth_element(others, middle);
    const double upper = *middle;
    const double median =
        others.size() % 2 == 1 ? upper : (upper + *std::ranges::max_element(others.begin(), middle)) / 2;
    if (own.best && *own.best <= median) return std::nullopt;
    const auto shown = [&](double bad) { return number_text(goal_ == Goal::high ? -bad : bad); };
    return fmt::format(
        "its best {} up to step {} is {}, worse than {}, the median of the averages of {} finished trials",
        stop_.metric, step, own.best ? shown(*own.best) : "not a number", shown(median), others.size());
}

}  // namespace marginalia
