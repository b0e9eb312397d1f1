// Axes of charts: ranges of values, linear or logarithmic, and the round numbers that stand at them.
#pragma once

#include <limits>
#include <span>
#include <vector>

namespace marginalia::chart {

struct Range {
    double low = std::numeric_limits<double>::infinity(), high = -low;

    void take(double value);
    bool empty() const { return low > high; }
    // From 0 to 1, in the middle where all are the same.
    double place(double value) const;
};

// Of the finite ones.
Range finite_range(std::span<const double> values);

// The value on that scale; NaN for what a logarithmic one has not.
double scaled(double value, bool logarithmic);

// All finite ones are positive.
bool may_be_logarithmic(std::span<const double> values);
// And they go over more than two powers of ten: only a logarithmic scale shows such values apart.
bool wants_logarithm(std::span<const double> values);

// Values from `low` to `high` that read well: multiples of 1, 2 or 5 times a power of ten; on a logarithmic scale
// powers of ten, and of few of those also their double and fivefold. `most`: no more than so many, but at least one
// where there is any.
std::vector<double> ticks(double low, double high, std::size_t most, bool logarithmic);

// What a chart shows along one direction, as scaled.
struct Axis {
    Range range;
    bool logarithmic = false;

    void take(double value);                            // passes over what is not on the scale
    void widen();                                       // where all values are the same
    double place(double value) const;                   // from 0 to 1; NaN for what is not on the scale
    std::vector<double> ticks(std::size_t most) const;  // values, not as scaled
};

}  // namespace marginalia::chart
