// Curves as text: a line of blocks, and a plot of braille dots with its axes.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "kernel/host/top/picture.h"
#include "store/queries.h"

namespace marginalia::top {

// One character a value, from ▁ for the lowest to █ for the highest, × for one that is not finite; on a logarithmic
// scale where the values want it.
std::string sparkline(std::span<const double> values);

// As many lines as the size has, axes and the steps under them included; at least 4 x 20. Points that are not finite,
// or not positive on a logarithmic scale, are gaps. Blank lines where no point is left.
std::vector<std::string> plot(std::span<const store::CurvePoint> points, Size size, bool logarithmic);

}  // namespace marginalia::top
