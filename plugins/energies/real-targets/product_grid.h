// Mixtures of products of densities of one number, on a grid of cells that are written in Gray code.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include <marginalia/states.h>

namespace real_targets {

// D axes of 2^bits cells of equal width each. A state is D * bits symbols 0 and 1: the number of the cell on each axis
// in reflected Gray code, in which neighbours differ by one bit, the highest bit first. Its mass is
//
//   f = sum over components m of prod over axes d of f_md(the centre of the cell) * the width of the cell
//
// so that log Z is that of the densities but for the error of the midpoint rule. All sums are exact.
//
// Threads: after construction from any.
class ProductGrid {
public:
    using Axis = std::pair<double, double>;                                                            // its ends
    using LogDensity = std::function<double(std::size_t component, std::size_t axis, double number)>;  // log f_md

    // Axes and components are one at least, bits 1 to 12.
    ProductGrid(std::vector<Axis> axes, int bits, std::size_t components, const LogDensity& log_density);

    std::int64_t axes() const { return static_cast<std::int64_t>(axes_.size()); }
    int bits() const { return bits_; }

    // log of the sum of f over all states that hold what is known of x, where □ is 2.
    double log_sum(marginalia::State x) const;

    // The centre of a full state's cell.
    std::vector<double> centre(marginalia::State x) const;

    // (count, D * bits) independent states.
    std::vector<std::uint8_t> samples(std::size_t count, std::uint64_t seed) const;

private:
    // Of a component along an axis: the masses of cells by their code, as parts of the largest, and its logarithm.
    struct Line {
        std::vector<double> masses;
        double log_largest = 0, log_sum = 0;
    };
    const Line& line(std::size_t component, std::size_t axis) const { return lines_[component * axes_.size() + axis]; }
    double number_of(std::size_t axis, std::size_t cell) const;
    double log_sum_along(const Line& line, marginalia::State code) const;
    std::vector<double> component_sums() const;  // running sums of their masses, the last being 1

    const std::vector<Axis> axes_;
    const int bits_;
    std::size_t components_;
    std::vector<Line> lines_;
};

}  // namespace real_targets
