// The sum that a PathPlan plans.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "lattice.h"
#include "path_plan.h"

namespace ising {

// For one thread and one plan, which must outlive it. Choices of the path's spins are worked on `lanes` at a time, side
// by side in memory; a lane has an axis of length 2 for each unknown spin on the frontier, ascending columns from the
// fastest.
class PathSum {
public:
    PathSum(const Lattice& lattice, const PathPlan& plan);

    // log of the sum of f over the unknown spins.
    double log_sum();

    static constexpr std::size_t lanes = 16;
    using Lane = std::array<double, lanes>;

    // A step as the loops over the entries see it. `rest` counts the entries of a lane without the axis of the step's
    // column, `place` is that axis' place among the others, left and right those of the neighbours in the rest (63: not
    // there).
    struct Shape {
        std::size_t rest = 1;
        int place = 0, left = 63, right = 63;
    };
    // By the neighbours' spins, 2 * left + right; then by the spin that joins and the one that leaves.
    using Weights = std::array<std::array<std::array<Lane, 2>, 2>, 4>;

private:
    double log_sum_of(std::size_t first);
    void take(const Step& step);
    Shape shape_of(const Step& step) const;
    Weights weights_of(const Step& step) const;
    int spin_of(Spin spin, std::int32_t column, bool up, std::size_t lane) const;
    void rescale();
    std::int32_t neighbour(const Step& step, int side) const;

    const PathPlan& plan_;
    const std::int32_t columns_;
    double log_unit_ = 0;  // log of what a weight of 1 stands for
    std::array<std::array<double, 7>, 2>
        weight_{};  // of a spin, by itself and the sum of its neighbours' spins, from -3
    std::vector<std::array<std::int8_t, lanes>> path_spins_;  // by column
    std::uint64_t axes_ = 0;                                  // columns whose spin on the frontier is unknown
    std::vector<double> entries_, others_;
    Lane factor_{}, log_scale_{};  // the former brings a lane's largest entry near 1, by the next step
};

}  // namespace ising
