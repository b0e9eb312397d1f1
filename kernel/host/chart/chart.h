// A chart as what it shows, apart from how it is drawn: text_chart.h and svg_chart.h draw it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernel/host/chart/scale.h"

namespace marginalia::chart {

// A curve, or the bars of a histogram. Points that are not finite, or not on a logarithmic scale, are gaps.
struct Series {
    std::string label;              // what the legend says of it; nothing a terminal obeys
    std::vector<double> x, y;       // of bars: their edges, one more than heights
    std::vector<double> low, high;  // a band about the curve; empty: none
};

struct Chart {
    std::string title = {}, x_name = {}, y_name = {};
    bool x_logarithmic = false, y_logarithmic = false;
    bool whole_x = false;  // x are whole numbers, such as steps
    bool bars = false;
    std::vector<Series> series = {};
};

struct Frame {
    Axis x, y;
    bool empty() const { return y.range.empty(); }
};

// What the axes have to show: all points that are on both scales, the bands, and of bars their feet.
Frame frame_of(const Chart& chart);

// How often each bin of equal width on the scale, with round edges, has the values; those that are not finite or not on
// the scale are left out.
Series histogram(const std::vector<double>& values, bool logarithmic);

// The colour of a curve, of as many as can be told apart.
struct LineColour {
    const char* rgb;        // on white; of the 6 x 6 x 6 cube of the 256 colours, which sixels have
    std::uint8_t terminal;  // its number among these, on a terminal's own background
};
inline constexpr LineColour line_colours[] = {{"#005faf", 33},  {"#d75f00", 202}, {"#00875f", 35},  {"#d75faf", 175},
                                              {"#d78700", 214}, {"#5fafd7", 117}, {"#8700af", 134}, {"#875f00", 137},
                                              {"#d7005f", 198}, {"#5f8700", 106}, {"#00afaf", 44},  {"#585858", 246}};
inline constexpr std::size_t most_series = 12;

}  // namespace marginalia::chart
