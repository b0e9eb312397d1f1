#include "kernel/host/top/chart.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace marginalia::top {
namespace {

constexpr const char* levels[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
constexpr double many_powers = 2;  // of ten, from which on a linear scale shows the greatest values alone

struct Range {
    double low = std::numeric_limits<double>::infinity(), high = -low;

    void take(double value) { low = std::min(low, value), high = std::max(high, value); }
    bool empty() const { return low > high; }
    // From 0 to 1, in the middle where all are the same. By halves: the range may be beyond the greatest number.
    double place(double value) const { return high > low ? (value / 2 - low / 2) / (high / 2 - low / 2) : 0.5; }
};

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

// Dots in cells of 2 x 4, as the characters from U+2800 on have them.
class Dots {
public:
    Dots(std::size_t width, std::size_t height) : width_(width), cells_(width * height, 0) {}

    void line(double x, double y, double to_x, double to_y) {
        const double steps = std::max({std::abs(to_x - x), std::abs(to_y - y), 1.0});
        for (double i = 0; i <= steps; ++i) dot(x + (to_x - x) * i / steps, y + (to_y - y) * i / steps);
    }

    std::string row(std::size_t row) const {
        std::string text;
        for (std::size_t cell = 0; cell < width_; ++cell) {
            const unsigned dots = cells_[row * width_ + cell];
            if (dots == 0) text += ' ';
            else text += {'\xe2', static_cast<char>(0xa0 | (dots >> 6)), static_cast<char>(0x80 | (dots & 0x3f))};
        }
        return text;
    }

private:
    void dot(double x, double y) {
        constexpr unsigned bits[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
        const auto column = static_cast<std::size_t>(std::lround(x)), line = static_cast<std::size_t>(std::lround(y));
        cells_[line / 4 * width_ + column / 2] |= bits[line % 4][column % 2];
    }

    std::size_t width_;
    std::vector<unsigned> cells_;
};

// What a plot shows: steps and values as scaled.
struct Frame {
    Range x, y;
    std::vector<std::pair<double, double>> points;
};

Frame frame_of(std::span<const store::CurvePoint> points, bool logarithmic) {
    Frame frame;
    for (const store::CurvePoint& point : points) {
        const double y = std::isfinite(point.value) ? scaled(point.value, logarithmic) : std::nan("");
        frame.points.emplace_back(static_cast<double>(point.step), y);
        if (!std::isfinite(y)) continue;
        frame.x.take(frame.points.back().first);
        frame.y.take(y);
    }
    if (frame.y.high == frame.y.low) {
        const double room = frame.y.low == 0 || logarithmic ? 1 : std::abs(frame.y.low) / 2;
        frame.y.low -= room, frame.y.high += room;
    }
    return frame;
}

Dots dots_of(const Frame& frame, Size area) {
    Dots dots(area.width, area.height);
    const double right = 2 * static_cast<double>(area.width) - 1, bottom = 4 * static_cast<double>(area.height) - 1;
    const std::pair<double, double>* before = nullptr;
    for (const auto& point : frame.points) {
        const bool there = std::isfinite(point.second);
        if (there) {
            const auto& from = before == nullptr ? point : *before;
            dots.line(frame.x.place(from.first) * right, (1 - frame.y.place(from.second)) * bottom,
                      frame.x.place(point.first) * right, (1 - frame.y.place(point.second)) * bottom);
        }
        before = there ? &point : nullptr;
    }
    return dots;
}

// The text beside each row of the plot, empty where there is no tick.
std::vector<std::string> y_labels(const Range& range, std::size_t rows, bool logarithmic) {
    std::vector<std::string> labels(rows);
    const auto back = [logarithmic](double value) { return logarithmic ? std::pow(10, value) : value; };
    for (const double tick :
         ticks(back(range.low), back(range.high), std::max<std::size_t>(rows / 2, 2), logarithmic)) {
        const double place = 1 - range.place(scaled(tick, logarithmic));
        const auto row = static_cast<std::size_t>(std::lround(place * static_cast<double>(rows - 1)));
        if (row < rows) labels[row] = number_text(tick, 6);
    }
    return labels;
}

// The axis and what stands under it.
std::pair<std::string, std::string> x_axis(const Range& range, std::size_t width) {
    std::vector<bool> marked(width);
    std::string labels;
    for (const double tick : ticks(range.low, range.high, std::max<std::size_t>(width / 14, 2), false)) {
        if (tick != std::floor(tick)) continue;  // a step is whole
        const auto at = static_cast<std::size_t>(std::lround(range.place(tick) * static_cast<double>(width - 1)));
        const std::string text = number_text(tick, 6);
        const std::size_t from = std::min(at - std::min(at, text.size() / 2), width - std::min(width, text.size()));
        if (!labels.empty() && from < labels.size() + 2) continue;
        labels.append(from - labels.size(), ' ');
        labels += text;
        marked[at] = true;
    }
    if (labels.size() + 6 <= width) labels += " steps";
    std::string axis;
    for (std::size_t i = 0; i < width; ++i) axis += marked[i] ? "┬" : "─";
    return {axis, labels};
}

}  // namespace

bool may_be_logarithmic(std::span<const double> values) {
    const Range range = finite_range(values);
    return !range.empty() && range.low > 0;
}

bool wants_logarithm(std::span<const double> values) {
    const Range range = finite_range(values);
    return may_be_logarithmic(values) && std::log10(range.high) - std::log10(range.low) > many_powers;
}

std::string sparkline(std::span<const double> values) {
    const bool logarithmic = wants_logarithm(values);
    Range range = finite_range(values);
    if (logarithmic) range = {std::log10(range.low), std::log10(range.high)};
    std::string text;
    for (const double value : values) {
        const double place = range.place(scaled(value, logarithmic));
        text += std::isfinite(value) ? levels[std::min<std::size_t>(static_cast<std::size_t>(place * 8), 7)] : "×";
    }
    return text;
}

std::vector<double> ticks(double low, double high, std::size_t most, bool logarithmic) {
    std::vector<double> found;
    constexpr double below = 1e-9;  // what rounding may take off a bound
    if (!std::isfinite(low) || !std::isfinite(high) || low > high || most == 0) return found;
    if (logarithmic) {
        const double powers = std::log10(high) - std::log10(low);
        const int every = std::max(1, static_cast<int>(std::ceil((powers + 1) / static_cast<double>(most))));
        for (int power = static_cast<int>(std::floor(std::log10(low))); power <= std::log10(high) + below;
             power += every)
            for (const double factor : {1.0, 2.0, 5.0}) {
                const double tick = factor * std::pow(10, power);
                const bool wanted = factor == 1 || 3 * (powers + 1) <= static_cast<double>(most);
                if (wanted && tick >= low * (1 - below) && tick <= high * (1 + below)) found.push_back(tick);
            }
        if (found.size() > 1) return found;
        found.clear();  // less than a power of ten
    }
    const double raw = (high - low) / static_cast<double>(most), power = std::pow(10, std::floor(std::log10(raw)));
    double step = power;
    for (const double factor : {1.0, 2.0, 5.0, 10.0}) {
        step = factor * power;
        if (step >= raw) break;
    }
    if (!(step > 0) || !std::isfinite(step)) return {low};
    for (double i = std::ceil(low / step - below); i * step <= high + below * step && found.size() < most + 1; ++i)
        found.push_back(i * step);
    return found;
}

std::vector<std::string> plot(std::span<const store::CurvePoint> points, Size size, bool logarithmic) {
    const Frame frame = frame_of(points, logarithmic);
    if (frame.x.empty() || size.height < 4 || size.width < 20) return std::vector<std::string>(size.height);
    const std::size_t rows = size.height - 2;
    const std::vector<std::string> labels = y_labels(frame.y, rows, logarithmic);
    std::size_t margin = 0;
    for (const std::string& label : labels) margin = std::max(margin, label.size());
    const Size area{size.width - margin - 2, rows};
    const Dots dots = dots_of(frame, area);
    std::vector<std::string> lines;
    for (std::size_t row = 0; row < rows; ++row)
        lines.push_back(to_right(labels[row], margin) + (labels[row].empty() ? " │" : " ┤") + dots.row(row));
    const auto [axis, under] = x_axis(frame.x, area.width);
    lines.push_back(std::string(margin + 1, ' ') + "└" + axis);
    lines.push_back(std::string(margin + 2, ' ') + under);
    return lines;
}

}  // namespace marginalia::top
