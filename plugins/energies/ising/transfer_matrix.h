// Exact sums over the states of a narrow Ising lattice by its transfer matrix.
#pragma once

#include <marginalia/states.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "lattice.h"
#include "line_tensor.h"
#include "path_plan.h"
#include "random.h"

namespace ising {

// The lattice is cut into L lines of W = min(rows, columns) <= 16 sites, a cylinder into its rows. With D the weights
// of the 2^W states of one line and V those of the bonds between two lines, an open lattice or a cylinder has Z = 1 D
// (V D)^(L-1) 1 and a torus Z = tr (V D)^L. V is applied site by site, so one line costs about W 2^W multiplications
// for each vector. Known sites have no axis: a line with u unknown sites costs u 2^u.
//
// Threads: any number may call any method at once. Range: |coupling|, |field| <= 5 keeps all entries in a double's.
class TransferMatrix {
public:
    static constexpr std::int64_t widest = 16;
    static constexpr std::int64_t widest_path = 32;  // columns that a path may cross where lines are many
    static bool fits(const Lattice& lattice) { return width_of(lattice) <= widest; }

    explicit TransferMatrix(const Lattice& lattice);  // fits(lattice) must hold

    // log Z in nats, found on the first call. On a torus one vector for each state of a line up to rotation and
    // reflection (2,250 for W = 16), L / 2 lines each.
    double log_z() const;

    // Entropy in nats: log Z - d/dt log Z(t coupling, t field) at t = 1, by a sixth-order difference (error < 1e-8).
    double entropy() const;

    // log of the sum of f over the states that agree with x (2 = unknown). On a torus, where all known sites lie in one
    // line, a sum over what log Z knows of each state of a line; where they lie in two, one vector for each state of a
    // line up to rotation and reflection, if that is quicker; otherwise one for each state of a path across it
    // (PathPlan).
    double log_sum(marginalia::State x) const;

    // `count` independent states, rows of sites() bytes, the same for the same seed; nullopt where the L 2^W messages
    // they need would take more than a gigabyte.
    std::optional<std::vector<std::uint8_t>> samples(std::size_t count, std::uint64_t seed) const;

private:
    struct Orbit {  // states of a line that rotations and reflections carry into one another
        std::uint32_t start;
        double multiplicity;
        double log_weight;  // log of the sum of f over the states whose first line is `start`
    };

    struct TwoLines {  // that have all known sites of a torus
        Line first, second;
        std::int64_t apart;  // lines from the first to the second
    };

    // Weights (2^W, batch) of the states of a line that lies `apart` lines from one in the state of an orbit's start,
    // for a batch of orbits from `first` on; the true ones are these times exp(log_scale).
    using Visit =
        std::function<void(std::size_t first, std::span<const double> weights, std::size_t batch, double log_scale)>;

    static std::int64_t width_of(const Lattice& lattice) {
        return lattice.boundary == Boundary::cylinder ? lattice.columns : std::min(lattice.rows, lattice.columns);
    }

    std::int64_t site(std::int64_t line, int place) const;  // of the lattice
    std::vector<Line> lines_of(marginalia::State x, bool turned) const;
    PathPlan cheapest_plan(marginalia::State x) const;
    double log_sum_open(std::span<const Line> lines) const;
    std::optional<double> log_sum_of_line(std::span<const Line> lines) const;
    std::optional<TwoLines> two_lines_of(std::span<const Line> lines) const;
    double work_of(const TwoLines& known) const;
    double log_sum_of_two_lines(const TwoLines& known) const;
    double sum_over_images(const TwoLines& known, std::uint32_t start, std::span<const double> weights) const;
    std::vector<Orbit> find_orbits() const;
    void sweep(std::span<const Orbit> orbits, std::int64_t apart, const Visit& visit) const;
    void weigh_orbits(std::span<Orbit> orbits) const;
    void prepare() const;

    std::vector<double> messages(std::uint32_t start) const;
    std::uint32_t draw_start(double uniform) const;
    void draw_lines(std::span<const double> messages, std::span<std::uint32_t> lines, Random& random) const;

    const Lattice lattice_;
    const int width_;
    const std::int64_t lines_;
    const bool by_rows_;         // a line is a row, else a column
    const bool ring_;            // the last place of a line is a neighbour of the first
    const bool cyclic_;          // the last line is a neighbour of the first
    std::vector<double> table_;  // weights D of the states of a line, the largest being 1
    double log_unit_ = 0;        // log of what a weight of 1 stands for
    mutable std::once_flag prepared_;
    mutable double log_z_ = 0;
    mutable std::vector<Orbit> orbits_;        // of a torus
    mutable std::vector<double> first_lines_;  // of a torus: the log_weight of each state of a line
};

}  // namespace ising
