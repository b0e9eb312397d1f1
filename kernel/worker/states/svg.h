// Pictures made of lines: SVG documents, one by one.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "kernel/worker/states/state_writer.h"

namespace marginalia {

// An SVG document and what stands below it; an empty document is left blank.
struct Drawing {
    std::string svg;
    std::string caption;
};

// Drawings in rows of `across` (at least 1), each in a cell as large as the largest, on white.
std::string svg_grid(const std::vector<Drawing>& drawings, std::size_t across);

// A quantity's values over a model's states: a histogram, its kernel density estimate (Gaussian, Silverman's rule),
// and, unless `target_deviation` is NaN, the density of a normal distribution that was aimed at. Values must be finite
// and at least 2.
struct Distribution {
    std::string name, unit;
    std::vector<double> values;
    double target_mean, target_deviation;
};
std::string histogram_svg(const Distribution& distribution);

// Writes what energies and datasets draw of their states. Holds the drawings until finish().
class DrawingWriter final : public StateWriter {
public:
    // Throws Error where states are not drawn, or more of them are expected than a picture holds.
    DrawingWriter(const StateLook& look, std::int64_t expected, std::ostream& out);
    void given(State x) override;
    void row(State x, double) override;
    void finish() override;

private:
    void add(Drawing drawing);

    const StateLook look_;
    std::ostream& out_;
    std::vector<Drawing> drawings_;
    std::size_t across_ = 0;  // 0: about a square
};

}  // namespace marginalia
