#include "kernel/host/chart/svg_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "kernel/host/results/text.h"

namespace marginalia::chart {
namespace {

constexpr double letter = 7.4, line_height = 18, swatch = 26, head = 30.5, foot = 44.5;

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text)
        if (c == '<') out += "&lt;";
        else if (c == '>') out += "&gt;";
        else if (c == '&') out += "&amp;";
        else if (c == '"') out += "&quot;";
        else out += c;
    return out;
}

double width_of(std::string_view text) { return letter * static_cast<double>(display_width(text)); }

// What the legend's rows take: labels in as many columns as the width has.
struct Legend {
    Legend(const Chart& chart, double width) {
        if (chart.series.size() < 2 && (chart.series.empty() || chart.series[0].label.empty())) return;
        double widest = 0;
        for (const Series& series : chart.series) widest = std::max(widest, width_of(series.label));
        column = widest + swatch + 16;
        across = std::max<std::size_t>(1, static_cast<std::size_t>(width / column));
        rows = (chart.series.size() + across - 1) / across;
    }
    std::size_t across = 1, rows = 0;
    double column = 0;
};

class Page {
public:
    Page(const Chart& chart, int width, int height)
        : chart_(chart), frame_(frame_of(chart)), legend_(chart, width - 20.0) {
        bottom_ = height - foot - line_height * static_cast<double>(legend_.rows);
        for (const double tick : y_ticks()) left_ = std::max(left_, width_of(number_text(tick, 6)) + 34);
        left_ = std::floor(left_) + 0.5;  // lines of a pixel, not of two halves
        right_ = width - 18.5;
    }

    std::string drawing() {
        add("<text x=\"10\" y=\"19\" font-size=\"14\" font-weight=\"bold\">{}</text>\n", escaped(chart_.title));
        if (!frame_.empty()) {
            axes();
            if (!chart_.bars) lines();
            for (std::size_t i = 0; i < chart_.series.size() && !chart_.bars; ++i) band(i);
            for (std::size_t i = 0; i < chart_.series.size(); ++i)
                if (chart_.bars) bars(i);
                else curve(i);
            if (chart_.bars) lines();  // over the bars' feet
        }
        legend();
        return std::move(text_);
    }

private:
    template <class... Values>
    void add(fmt::format_string<Values...> format, Values&&... values) {
        fmt::format_to(std::back_inserter(text_), format, std::forward<Values>(values)...);
    }

    double across(double x) const { return left_ + frame_.x.place(x) * (right_ - left_); }
    double down(double y) const { return head + (1 - frame_.y.place(y)) * (bottom_ - head); }
    std::vector<double> y_ticks() const {
        return frame_.empty() ? std::vector<double>()
                              : frame_.y.ticks(static_cast<std::size_t>(std::max(2.0, (bottom_ - head) / 40)));
    }

    void axes() {
        for (const double tick : y_ticks()) {
            if (chart_.bars && tick != std::floor(tick)) continue;
            add("<path d=\"M{:.2f} {:.2f}H{:.2f}\" stroke=\"#e4e4e4\"/>\n", left_, std::floor(down(tick)) + 0.5,
                right_);
            add("<text x=\"{:.2f}\" y=\"{:.2f}\" text-anchor=\"end\">{}</text>\n", left_ - 6, down(tick) + 4,
                number_text(tick, 6));
        }
        const auto most = static_cast<std::size_t>(std::max(2.0, (right_ - left_) / 90));
        for (const double tick : frame_.x.ticks(most)) {
            if (chart_.whole_x && tick != std::floor(tick)) continue;
            add("<path d=\"M{:.2f} {:.2f}v5\" stroke=\"#303030\"/>\n", across(tick), bottom_);
            add("<text x=\"{:.2f}\" y=\"{:.2f}\" text-anchor=\"middle\">{}</text>\n", across(tick), bottom_ + 18,
                number_text(tick, 6));
        }
        add("<text x=\"{:.2f}\" y=\"{:.2f}\" text-anchor=\"middle\">{}</text>\n", (left_ + right_) / 2, bottom_ + 36,
            escaped(chart_.x_name));
        add("<text transform=\"translate(14 {:.2f}) rotate(-90)\" text-anchor=\"middle\">{}</text>\n",
            (head + bottom_) / 2, escaped(chart_.y_name));
    }

    void lines() {
        add("<path d=\"M{:.2f} {:.2f}V{:.2f}H{:.2f}\" fill=\"none\" stroke=\"#303030\"/>\n", left_, head, bottom_,
            right_);
    }

    // What tells the second half of the colours apart where they are hard to see.
    static std::string stroke(std::size_t series) {
        return fmt::format("stroke=\"{}\" stroke-width=\"1.8\"{}", line_colours[series % most_series].rgb,
                           series % most_series >= most_series / 2 ? " stroke-dasharray=\"6 3\"" : "");
    }

    // The parts of a curve between its gaps.
    void curve(std::size_t number) {
        const Series& series = chart_.series[number];
        std::string path;
        bool draws = false;
        for (std::size_t i = 0; i < series.x.size(); ++i) {
            const double x = across(series.x[i]), y = down(series.y[i]);
            const bool there = !std::isnan(x) && !std::isnan(y);
            if (there) path += fmt::format("{}{:.2f} {:.2f}", draws ? "L" : "M", x, y);
            const bool alone = there && !draws && (i + 1 == series.x.size() || std::isnan(down(series.y[i + 1])));
            if (alone) path += "h0.01";  // a dot, by the round caps
            draws = there;
        }
        add("<path d=\"{}\" fill=\"none\" stroke-linejoin=\"round\" stroke-linecap=\"round\" {}/>\n", path,
            stroke(number));
    }

    // Cut at the chart's bottom where it goes below what a logarithmic scale has.
    void band(std::size_t number) {
        const Series& series = chart_.series[number];
        const auto edge = [this](double y) { return std::isnan(down(y)) ? bottom_ : down(y); };
        std::string upper, lower;
        for (std::size_t i = 0; i < series.low.size(); ++i) {
            if (std::isnan(down(series.y[i])) || std::isnan(across(series.x[i]))) continue;
            upper +=
                fmt::format("{}{:.2f} {:.2f}", upper.empty() ? "M" : "L", across(series.x[i]), edge(series.high[i]));
            lower.insert(0, fmt::format("L{:.2f} {:.2f}", across(series.x[i]), edge(series.low[i])));
        }
        if (!upper.empty())
            add("<path d=\"{}{}Z\" fill=\"{}\" fill-opacity=\"0.18\"/>\n", upper, lower,
                line_colours[number % most_series].rgb);
    }

    void bars(std::size_t number) {
        const Series& series = chart_.series[number];
        for (std::size_t i = 0; i < series.y.size(); ++i)
            if (series.y[i] > 0)
                add("<path d=\"M{:.2f} {:.2f}V{:.2f}H{:.2f}V{:.2f}Z\" fill=\"{}\" stroke=\"#ffffff\"/>\n",
                    across(series.x[i]), bottom_, down(series.y[i]), across(series.x[i + 1]), bottom_,
                    line_colours[number % most_series].rgb);
    }

    void legend() {
        if (legend_.rows == 0) return;
        for (std::size_t i = 0; i < chart_.series.size(); ++i) {
            const double x = 10 + legend_.column * static_cast<double>(i % legend_.across);
            const double y = bottom_ + foot + line_height * (static_cast<double>(i / legend_.across) + 0.5);
            add("<path d=\"M{:.2f} {:.2f}h{:.2f}\" fill=\"none\" {}/>\n", x, y - 4, swatch - 6, stroke(i));
            add("<text x=\"{:.2f}\" y=\"{:.2f}\">{}</text>\n", x + swatch, y, escaped(chart_.series[i].label));
        }
    }

    const Chart& chart_;
    const Frame frame_;
    const Legend legend_;
    double left_ = 50, right_ = 0, bottom_ = 0;
    std::string text_;
};

}  // namespace

std::string svg_charts(std::span<const Chart> charts, int width, int height) {
    width = std::max(width, 200);
    height = std::max(height, 120);
    std::string document = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" "
        "font-family=\"DejaVu Sans, Helvetica, Arial, sans-serif\" font-size=\"12\" fill=\"#303030\">\n"
        "<rect width=\"{0}\" height=\"{1}\" fill=\"#ffffff\"/>\n",
        width, height * static_cast<int>(charts.size()));
    for (std::size_t i = 0; i < charts.size(); ++i)
        document += fmt::format("<g transform=\"translate(0 {})\">\n{}</g>\n", height * static_cast<int>(i),
                                Page(charts[i], width, height).drawing());
    return document + "</svg>\n";
}

}  // namespace marginalia::chart
