// Curves as text: a line of blocks, and a plot of braille dots with its axes.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "kernel/host/top/picture.h"
#include "store/queries.h"

namespace marginalia::top {

// All finite ones are positive.
bool may_be_logarithmic(std::span<const double> values);
// And they go over more than two powers of ten: only a logarithmic scale shows such values apart.
bool wants_logarithm(std::span<const double> values);

// One character a value, from ▁ for the lowest to █ for the highest, × for one that is not finite; on a logarithmic
// scale where the values want it.
std::string sparkline(std::span<const double> values);

// Values from `low` to `high` that read well: multiples of 1, 2 or 5 times a power of ten; on a logarithmic scale
// powers of ten, and of few of those also their double and fivefold. `most`: no more than so many, but at least one
// where there is any.
std::vector<double> ticks(double low, double high, std::size_t most, bool logarithmic);

// As many lines as the size has, axes and the steps under them included; at least 4 x 20. Points that are not finite,
// or not positive on a logarithmic scale, are gaps. Blank lines where no point is left.
std::vector<std::string> plot(std::span<const store::CurvePoint> points, Size size, bool logarithmic);

}  // namespace marginalia::top
