#include "kernel/host/top/chart.h"

#include <algorithm>
#include <cmath>

#include "kernel/host/chart/scale.h"
#include "kernel/host/chart/text_chart.h"

namespace marginalia::top {
namespace {

constexpr const char* levels[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};

}  // namespace

std::string sparkline(std::span<const double> values) {
    chart::Axis axis{.range = {}, .logarithmic = chart::wants_logarithm(values)};
    for (const double value : values) axis.take(value);
    std::string text;
    for (const double value : values) {
        const double place = axis.place(value);
        text += std::isnan(place) ? "×" : levels[std::min<std::size_t>(static_cast<std::size_t>(place * 8), 7)];
    }
    return text;
}

std::vector<std::string> plot(std::span<const store::CurvePoint> points, Size size, bool logarithmic) {
    chart::Chart chart{.x_name = "steps", .y_logarithmic = logarithmic, .whole_x = true, .series = {{}}};
    for (const store::CurvePoint& point : points) {
        chart.series[0].x.push_back(static_cast<double>(point.step));
        chart.series[0].y.push_back(point.value);
    }
    return chart::text_chart(chart, size.width, size.height);
}

}  // namespace marginalia::top
