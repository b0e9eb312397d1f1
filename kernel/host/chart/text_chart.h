// Charts as text: braille dots between axes.
#pragma once

#include <string>
#include <vector>

#include "kernel/host/chart/chart.h"

namespace marginalia::chart {

enum class TextStyle {
    plain,     // several curves have their letters at their ends
    coloured,  // and ANSI colours
    ascii      // curves are drawn with their letters
};

// As many lines as `height`, axes and what stands under them included; at least 4 x 20. Blank lines where no point is
// left. No title and no legend.
std::vector<std::string> text_chart(const Chart& chart, std::size_t width, std::size_t height,
                                    TextStyle style = TextStyle::plain);

// The chart under its title and above a legend of its curves, where there are several or one has a label.
std::vector<std::string> titled_text_chart(const Chart& chart, std::size_t width, std::size_t height, TextStyle style);

}  // namespace marginalia::chart
