// Charts as SVG documents.
#pragma once

#include <span>
#include <string>

#include "kernel/host/chart/chart.h"

namespace marginalia::chart {

// A document of these charts, one below the other, each of so many pixels, at least 200 x 120: title, axes, curves with
// their bands, and a legend under them where there are several series or one has a label.
std::string svg_charts(std::span<const Chart> charts, int width, int height);

}  // namespace marginalia::chart
