#include "kernel/host/chart/chart.h"

#include <algorithm>
#include <cmath>

namespace marginalia::chart {
namespace {

void take_curve(Frame& frame, const Series& series) {
    for (std::size_t i = 0; i < series.x.size(); ++i) {
        if (!std::isfinite(scaled(series.x[i], frame.x.logarithmic)) ||
            !std::isfinite(scaled(series.y[i], frame.y.logarithmic)))
            continue;
        frame.x.take(series.x[i]);
        frame.y.take(series.y[i]);
        if (series.low.empty()) continue;
        frame.y.take(series.low[i]);
        frame.y.take(series.high[i]);
    }
}

// As wide as about as many bins as the root of their number asks for.
std::vector<double> edges_of(const Axis& axis, std::size_t count) {
    constexpr std::size_t fewest = 10, most = 30;
    const auto bins = std::clamp(static_cast<std::size_t>(std::lround(std::sqrt(count))), fewest, most);
    std::vector<double> edges = ticks(axis.range.low, axis.range.high, bins, false);
    if (edges.size() < 2) edges = {axis.range.low, axis.range.high};
    const double step = edges[1] - edges[0];
    while (edges.front() > axis.range.low) edges.insert(edges.begin(), edges.front() - step);
    while (edges.back() < axis.range.high) edges.push_back(edges.back() + step);
    return edges;
}

}  // namespace

Frame frame_of(const Chart& chart) {
    Frame frame{{.range = {}, .logarithmic = chart.x_logarithmic}, {.range = {}, .logarithmic = chart.y_logarithmic}};
    for (const Series& series : chart.series) {
        if (!chart.bars) {
            take_curve(frame, series);
            continue;
        }
        frame.y.take(0);
        for (const double edge : series.x) frame.x.take(edge);
        for (const double height : series.y) frame.y.take(height);
    }
    if (!frame.empty()) frame.y.widen();
    return frame;
}

Series histogram(const std::vector<double>& values, bool logarithmic) {
    Axis axis{.range = {}, .logarithmic = logarithmic};
    std::vector<double> there;
    for (const double value : values) {
        if (const double at = scaled(value, logarithmic); std::isfinite(at)) there.push_back(at);
        axis.take(value);
    }
    if (there.empty()) return {};
    axis.widen();
    Series series;
    series.x = edges_of(axis, there.size());
    series.y.assign(series.x.size() - 1, 0);
    for (const double at : there) {
        const auto after = std::upper_bound(series.x.begin(), series.x.end(), at) - series.x.begin();
        ++series.y[static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(after - 1, 0, std::ssize(series.y) - 1))];
    }
    if (logarithmic)
        for (double& edge : series.x) edge = std::pow(10, edge);
    return series;
}

}  // namespace marginalia::chart
