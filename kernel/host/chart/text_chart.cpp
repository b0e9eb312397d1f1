#include "kernel/host/chart/text_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "kernel/host/chart/dots.h"
#include "kernel/host/chart/fitted_text.h"
#include "kernel/host/results/text.h"

namespace marginalia::chart {
namespace {

char letter_of(std::size_t series) { return static_cast<char>('a' + series % 26); }

std::string in_colour(const std::string& text, std::size_t series, TextStyle style) {
    if (style != TextStyle::coloured) return text;
    return fmt::format("\x1b[38;5;{}m{}\x1b[0m", line_colours[series % most_series].terminal, text);
}

constexpr std::size_t most_bands = 3;  // more would hide the curves

class Drawing {
public:
    Drawing(const Chart& chart, const Frame& frame, std::size_t columns, std::size_t rows)
        : frame_(frame), dots_(columns, rows) {
        const bool bars = chart.bars, bands = !bars && chart.series.size() <= most_bands;
        for (std::size_t i = 0; i < chart.series.size() && bands; ++i) band(chart.series[i], static_cast<int>(i));
        for (std::size_t i = 0; i < chart.series.size(); ++i)
            if (bars) columns_of(chart.series[i], static_cast<int>(i));
            else curve(chart.series[i], static_cast<int>(i));
    }

    const Dots& dots() const { return dots_; }

private:
    double across(double x) const { return frame_.x.place(x) * dots_.right(); }
    double down(double y) const { return (1 - frame_.y.place(y)) * dots_.bottom(); }

    // Of a band that goes below what a logarithmic scale has: the foot of the chart.
    double at_edge(double y) const { return std::isnan(down(y)) ? dots_.bottom() : down(y); }

    void curve(const Series& series, int by) {
        std::pair<double, double> before{std::nan(""), 0};
        for (std::size_t i = 0; i < series.x.size(); ++i) {
            const std::pair point{across(series.x[i]), down(series.y[i])};
            const bool there = !std::isnan(point.first) && !std::isnan(point.second);
            const auto& from = std::isnan(before.first) ? point : before;
            if (there) dots_.line(from.first, from.second, point.first, point.second, by);
            before = there ? point : std::pair{std::nan(""), 0.0};
        }
    }

    // Every fourth dot, so that curves stand out.
    void band(const Series& series, int by) {
        for (std::size_t i = 1; i < series.low.size(); ++i) {
            if (std::isnan(down(series.y[i - 1])) || std::isnan(down(series.y[i]))) continue;
            const double from = across(series.x[i - 1]), to = across(series.x[i]);
            for (double x = std::ceil(from); x <= to; ++x) {
                const double part = to > from ? (x - from) / (to - from) : 0;
                const auto between = [&](const std::vector<double>& edge) {
                    return at_edge(edge[i - 1]) * (1 - part) + at_edge(edge[i]) * part;
                };
                for (double y = std::ceil(between(series.high)); y <= between(series.low); ++y)
                    if (std::fmod(x + 2 * y, 4) == 0) dots_.dot(x, y, by);
            }
        }
    }

    // From the foot up, with a gap of a dot between neighbours.
    void columns_of(const Series& series, int by) {
        for (std::size_t i = 0; i < series.y.size(); ++i) {
            const double from = std::ceil(across(series.x[i])), to = std::max(from, across(series.x[i + 1]) - 1);
            if (!(series.y[i] > 0)) continue;
            for (double x = from; x <= to; ++x) dots_.line(x, dots_.bottom(), x, down(series.y[i]), by);
        }
    }

    const Frame& frame_;
    Dots dots_;
};

// The text beside each row of the plot, empty where there is no tick.
std::vector<std::string> y_labels(const Axis& axis, std::size_t rows, bool whole) {
    std::vector<std::string> labels(rows);
    for (const double tick : axis.ticks(std::max<std::size_t>(rows / 2, 2))) {
        if (whole && tick != std::floor(tick)) continue;
        const auto row = static_cast<std::size_t>(std::lround((1 - axis.place(tick)) * static_cast<double>(rows - 1)));
        if (row < rows) labels[row] = number_text(tick, 6);
    }
    return labels;
}

// The axis and what stands under it.
std::pair<std::string, std::string> x_axis(const Chart& chart, const Axis& axis, std::size_t width) {
    std::vector<bool> marked(width);
    std::string labels;
    for (const double tick : axis.ticks(std::max<std::size_t>(width / 14, 2))) {
        if (chart.whole_x && tick != std::floor(tick)) continue;
        const auto at = static_cast<std::size_t>(std::lround(axis.place(tick) * static_cast<double>(width - 1)));
        const std::string text = number_text(tick, 6);
        const std::size_t from = std::min(at - std::min(at, text.size() / 2), width - std::min(width, text.size()));
        if (!labels.empty() && from < labels.size() + 2) continue;
        labels.append(from - labels.size(), ' ');
        labels += text;
        marked[at] = true;
    }
    if (!chart.x_name.empty() && labels.size() + display_width(chart.x_name) + 1 <= width) labels += " " + chart.x_name;
    std::string line;
    for (std::size_t i = 0; i < width; ++i) line += marked[i] ? "┬" : "─";
    return {line, labels};
}

// A letter beside the last point of each curve, in the nearest row that is free.
std::vector<std::string> end_letters(const Chart& chart, const Frame& frame, std::size_t rows, TextStyle style) {
    std::vector<std::string> letters(rows);
    if (chart.series.size() < 2 || chart.bars) return letters;
    for (std::size_t i = 0; i < std::min(chart.series.size(), rows); ++i) {
        double place = std::nan("");
        for (const double y : chart.series[i].y)
            if (const double found = frame.y.place(y); !std::isnan(found)) place = found;
        if (std::isnan(place)) continue;
        const auto wanted = static_cast<std::ptrdiff_t>(std::lround((1 - place) * static_cast<double>(rows - 1)));
        for (std::ptrdiff_t away = 0; away < std::ssize(letters); ++away) {
            const std::ptrdiff_t row = wanted + (away % 2 ? -(away + 1) / 2 : away / 2);
            if (row < 0 || row >= std::ssize(letters) || !letters[static_cast<std::size_t>(row)].empty()) continue;
            letters[static_cast<std::size_t>(row)] = in_colour(std::string(1, letter_of(i)), i, style);
            break;
        }
    }
    return letters;
}

std::string row_of(const Dots& dots, std::size_t row, bool several, TextStyle style) {
    return dots.row(row, [&](const std::string& braille, int by) {
        const auto series = static_cast<std::size_t>(by);
        if (style == TextStyle::ascii) return several ? std::string(1, letter_of(series)) : to_ascii(braille);
        return in_colour(braille, series, style);
    });
}

}  // namespace

std::vector<std::string> text_chart(const Chart& chart, std::size_t width, std::size_t height, TextStyle style) {
    const Frame frame = frame_of(chart);
    if (frame.empty() || height < 4 || width < 20) return std::vector<std::string>(height);
    const std::size_t rows = height - 2;
    const std::vector<std::string> labels = y_labels(frame.y, rows, chart.bars);
    const std::vector<std::string> letters = end_letters(chart, frame, rows, style);
    const bool several = chart.series.size() > 1;
    std::size_t margin = 0;
    for (const std::string& label : labels) margin = std::max(margin, label.size());
    const std::size_t columns = width - margin - 2 - (several ? 2 : 0);
    const Drawing drawing(chart, frame, columns, rows);
    const auto drawn = [style](std::string text) { return style == TextStyle::ascii ? to_ascii(text) : text; };
    std::vector<std::string> lines;
    for (std::size_t row = 0; row < rows; ++row)
        lines.push_back(drawn(to_right(labels[row], margin) + (labels[row].empty() ? " │" : " ┤")) +
                        row_of(drawing.dots(), row, several, style) + (letters[row].empty() ? "" : " " + letters[row]));
    const auto [axis, under] = x_axis(chart, frame.x, columns);
    lines.push_back(drawn(std::string(margin + 1, ' ') + "└" + axis));
    lines.push_back(drawn(std::string(margin + 2, ' ') + under));
    return lines;
}

std::vector<std::string> titled_text_chart(const Chart& chart, std::size_t width, std::size_t height, TextStyle style) {
    const auto drawn = [style](std::string text) { return style == TextStyle::ascii ? to_ascii(text) : text; };
    Chart bare = chart;
    bare.x_name.clear();
    std::vector<std::string> lines = text_chart(bare, width, height, style);
    lines.insert(lines.begin(), drawn(shorten(chart.title, width)));
    lines.push_back(drawn(to_right(chart.x_name, width)));
    if (chart.series.size() < 2 && (chart.series.empty() || chart.series[0].label.empty())) return lines;
    lines.emplace_back();
    for (std::size_t i = 0; i < chart.series.size(); ++i) {
        const std::string mark =
            chart.series.size() > 1 ? in_colour(std::string(1, letter_of(i)), i, style) + "  " : "";
        lines.push_back(mark + drawn(shorten(chart.series[i].label, width - std::min<std::size_t>(width, 3))));
    }
    return lines;
}

}  // namespace marginalia::chart
