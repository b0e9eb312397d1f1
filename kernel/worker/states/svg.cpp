#include "kernel/worker/states/svg.h"

#include <fmt/format.h>
#include <marginalia/error.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <numbers>

namespace marginalia {
namespace {

constexpr std::size_t most_drawings = 2000, most_drawings_across = 6, caption_height = 18;
constexpr double caption_letter = 6.2;  // pixels of a character, on average

std::string escaped(const std::string& text) {
    std::string out;
    for (const char c : text) out += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : std::string(1, c);
    return out;
}

// A length such as width='240px' of the document's first element; 0 where there is none.
double length_of(const std::string& svg, const std::string& name) {
    const std::string head = svg.substr(0, svg.find('>', svg.find("<svg")));
    std::size_t at = 0;
    while ((at = head.find(name + "=", at + 1)) != head.npos)
        if (std::isspace(static_cast<unsigned char>(head[at - 1])))
            return std::strtod(head.c_str() + at + name.size() + 2, nullptr);
    return 0;
}

// Without what stands before its first element.
std::string body_of(const std::string& svg) { return svg.substr(std::min(svg.find("<svg"), svg.size())); }

std::string document(double width, double height, const std::string& body) {
    return fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" viewBox=\"0 0 {0:.0f} "
        "{1:.0f}\" "
        "font-family=\"sans-serif\">\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n{2}</svg>\n",
        width, height, body);
}

// What fits below a picture, the middle left out.
std::string shortened(const std::string& caption, double width) {
    const auto most = static_cast<std::size_t>(width / caption_letter);
    if (caption.size() <= most) return caption;
    return caption.substr(0, most - most / 3 - 1) + "…" + caption.substr(caption.size() - most / 3);
}

}  // namespace

std::string svg_grid(const std::vector<Drawing>& drawings, std::size_t across) {
    double width = 1, height = 1;
    for (const Drawing& drawing : drawings) {
        width = std::max(width, length_of(drawing.svg, "width"));
        height = std::max(height, length_of(drawing.svg, "height"));
    }
    const double whole = width * static_cast<double>(std::min(across, drawings.size()));
    std::string body;
    double top = 0;
    for (std::size_t first = 0; first < drawings.size(); first += across) {
        bool drawn = false, captions = false;
        for (std::size_t i = first; i < std::min(first + across, drawings.size()); ++i) {
            drawn = drawn || !drawings[i].svg.empty();
            captions = captions || !drawings[i].caption.empty();
        }
        const double floor = drawn ? height : 4;  // a row of words alone, which may be as long as the row
        for (std::size_t i = first; i < std::min(first + across, drawings.size()); ++i) {
            const Drawing& drawing = drawings[i];
            body += fmt::format("<g transform=\"translate({:.0f} {:.0f})\">{}", width * static_cast<double>(i - first),
                                top, body_of(drawing.svg));
            if (!drawing.caption.empty())
                body += fmt::format("<text x=\"{:.0f}\" y=\"{:.0f}\" font-size=\"11\" fill=\"#555555\"{}>{}</text>",
                                    drawn ? width / 2 : 8, floor + 10, drawn ? " text-anchor=\"middle\"" : "",
                                    escaped(shortened(drawing.caption, drawn ? width : whole)));
            body += "</g>\n";
        }
        top += floor + (captions ? caption_height : 0);
    }
    return document(whole, top, body);
}

DrawingWriter::DrawingWriter(const StateLook& look, std::int64_t expected, std::ostream& out) : look_(look), out_(out) {
    if (!look_.picture)
        throw Error("states of this kind cannot be drawn; write a file that ends in .txt, .csv, .json, .npy or .png");
    if (expected > static_cast<std::int64_t>(most_drawings))
        throw Error(fmt::format("a picture holds at most {} drawings; draw fewer, or write .txt", most_drawings));
}

void DrawingWriter::add(Drawing drawing) {
    if (drawings_.size() == most_drawings)
        throw Error(fmt::format("a picture holds at most {} drawings; draw fewer, or write .txt", most_drawings));
    drawings_.push_back(std::move(drawing));
}

// What is given may lie in parts only, so that it is given in words.
void DrawingWriter::given(State x) {
    if (across_ == 0) across_ = most_drawings_across;
    while (drawings_.size() % across_ != 0) add({});
    add({"", "given " + look_.text(x)});
    while (drawings_.size() % across_ != 0) add({});
}

void DrawingWriter::row(State x, double) {
    std::string svg = look_.picture(x);
    const std::string identity = look_.identity(x);
    add({std::move(svg), identity.empty() ? "nothing valid" : identity});
}

void DrawingWriter::finish() {
    if (drawings_.empty()) throw Error("there are no states to make a picture of; give at least one");
    const auto square = static_cast<std::size_t>(std::ceil(std::sqrt(static_cast<double>(drawings_.size()))));
    const std::string svg = svg_grid(drawings_, across_ > 0 ? across_ : std::min(square, most_drawings_across));
    if (svg.find("<svg", 1) == svg.npos)
        throw Error("states of this kind cannot be drawn; write a file that ends in .txt, .csv, .json, .npy or .png");
    out_ << svg;
}

namespace {

constexpr double plot_left = 52, plot_top = 34, plot_width = 420, plot_height = 190, plot_bottom = 44;
constexpr int curve_points = 200;

double normal(double x, double mean, double deviation) {
    const double z = (x - mean) / deviation;
    return std::exp(-z * z / 2) / (deviation * std::sqrt(2 * std::numbers::pi));
}

struct Summary {
    double mean = 0, deviation = 0, low = 0, high = 0, spread = 0;  // spread: interquartile range
    explicit Summary(std::vector<double> values) {
        std::sort(values.begin(), values.end());
        const auto n = static_cast<double>(values.size());
        for (const double value : values) mean += value / n;
        for (const double value : values) deviation += (value - mean) * (value - mean) / (n - 1);
        deviation = std::sqrt(deviation);
        low = values.front(), high = values.back();
        spread = values[values.size() * 3 / 4] - values[values.size() / 4];
    }
};

// A step of 1, 2 or 5 times a power of ten with about five in the range.
double tick_step(double range) {
    const double power = std::pow(10, std::floor(std::log10(range / 5)));
    const double rest = range / 5 / power;
    return power * (rest < 1.5 ? 1 : rest < 3.5 ? 2 : rest < 7.5 ? 5 : 10);
}

class Histogram {
public:
    explicit Histogram(const Distribution& distribution)
        : all_(distribution), summary_(all_.values), has_target_(!std::isnan(all_.target_deviation)) {
        low_ = summary_.low, high_ = summary_.high;
        if (has_target_) {
            low_ = std::min(low_, all_.target_mean - 3 * all_.target_deviation);
            high_ = std::max(high_, all_.target_mean + 3 * all_.target_deviation);
        }
        if (high_ - low_ < 1e-9) low_ -= 0.5, high_ += 0.5;
        const double margin = 0.04 * (high_ - low_);
        low_ -= margin, high_ += margin;
        count_bins();
        kernel_ = 0.9 *
                  std::min(summary_.deviation, summary_.spread > 0 ? summary_.spread / 1.34 : summary_.deviation) *
                  std::pow(static_cast<double>(all_.values.size()), -0.2);
        for (const double bin : bins_) top_ = std::max(top_, bin);
        for (int i = 0; i <= curve_points; ++i) top_ = std::max({top_, density(x_of(i)), target(x_of(i))});
    }

    std::string svg() const {
        std::string body = fmt::format("<text x=\"{}\" y=\"20\" font-size=\"13\" fill=\"#222222\">{}</text>\n",
                                       plot_left, escaped(title()));
        body += bars() + axis();
        if (kernel_ > 0) body += curve([this](double x) { return density(x); }, "#1d4fa8", "");
        if (has_target_) body += curve([this](double x) { return target(x); }, "#c2571a", " stroke-dasharray=\"5 4\"");
        return document(plot_left + plot_width + 16, plot_top + plot_height + plot_bottom, body);
    }

private:
    double x_of(int point) const { return low_ + (high_ - low_) * point / curve_points; }
    double across(double x) const { return plot_left + plot_width * (x - low_) / (high_ - low_); }
    double height(double density) const { return plot_height * density / top_; }
    double target(double x) const { return has_target_ ? normal(x, all_.target_mean, all_.target_deviation) : 0; }
    double density(double x) const {
        if (kernel_ <= 0) return 0;
        double sum = 0;
        for (const double value : all_.values) sum += normal(x, value, kernel_);
        return sum / static_cast<double>(all_.values.size());
    }

    void count_bins() {
        const auto n = static_cast<double>(all_.values.size());
        bins_.resize(static_cast<std::size_t>(std::clamp(2 * std::cbrt(n), 10.0, 60.0)));
        const double width = (high_ - low_) / static_cast<double>(bins_.size());
        for (const double value : all_.values)
            bins_[std::min(bins_.size() - 1, static_cast<std::size_t>((value - low_) / width))] += 1 / (n * width);
    }

    std::string title() const {
        const std::string unit = all_.unit.empty() ? "" : " (" + all_.unit + ")";
        std::string text = fmt::format("{}{}: {:.3g} ± {:.3g} over {} states", all_.name, unit, summary_.mean,
                                       summary_.deviation, all_.values.size());
        if (has_target_)
            text += fmt::format("; target {:.3g} ± {:.3g} (dashed)", all_.target_mean, all_.target_deviation);
        return text;
    }

    std::string bars() const {
        std::string body;
        const double width = plot_width / static_cast<double>(bins_.size());
        for (std::size_t i = 0; i < bins_.size(); ++i)
            if (bins_[i] > 0)
                body += fmt::format(
                    "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" fill=\"#b9cdf0\"/>\n",
                    plot_left + width * static_cast<double>(i), plot_top + plot_height - height(bins_[i]), width - 0.5,
                    height(bins_[i]));
        return body;
    }

    std::string axis() const {
        const double floor = plot_top + plot_height;
        std::string body = fmt::format("<line x1=\"{0}\" y1=\"{1}\" x2=\"{2}\" y2=\"{1}\" stroke=\"#888888\"/>\n",
                                       plot_left, floor, plot_left + plot_width);
        const double step = tick_step(high_ - low_);
        for (double x = std::ceil(low_ / step) * step; x <= high_; x += step)
            body += fmt::format(
                "<line x1=\"{0:.1f}\" y1=\"{1}\" x2=\"{0:.1f}\" y2=\"{2}\" stroke=\"#888888\"/><text x=\"{0:.1f}\" "
                "y=\"{3}\" font-size=\"11\" fill=\"#555555\" text-anchor=\"middle\">{4:.6g}</text>\n",
                across(x), floor, floor + 4, floor + 17, std::abs(x) < step / 1e6 ? 0 : x);
        const double rise = tick_step(top_);
        for (double y = rise; y <= top_; y += rise)
            body += fmt::format(
                "<text x=\"{}\" y=\"{:.1f}\" font-size=\"11\" fill=\"#555555\" text-anchor=\"end\">{:.3g}</text>\n",
                plot_left - 6, floor - height(y) + 4, y);
        return body +
               fmt::format(
                   "<text x=\"{}\" y=\"{}\" font-size=\"11\" fill=\"#555555\" text-anchor=\"middle\">{}</text>\n",
                   plot_left + plot_width / 2, floor + 36, escaped(all_.name));
    }

    template <class Curve>
    std::string curve(const Curve& value, const char* colour, const char* dashes) const {
        std::string points;
        for (int i = 0; i <= curve_points; ++i)
            points += fmt::format("{:.1f},{:.1f} ", across(x_of(i)), plot_top + plot_height - height(value(x_of(i))));
        return fmt::format("<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.8\"{}/>\n", points,
                           colour, dashes);
    }

    const Distribution& all_;
    const Summary summary_;
    const bool has_target_;
    double low_, high_, kernel_ = 0, top_ = 0;
    std::vector<double> bins_;  // densities
};

}  // namespace

std::string histogram_svg(const Distribution& distribution) { return Histogram(distribution).svg(); }

}  // namespace marginalia
