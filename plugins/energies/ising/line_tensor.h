// Non-negative tensors over the unknown spins of one line of a lattice: what the transfer matrix acts on.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace ising {

// What is known of one line of at most 16 sites: bit i stands for site i.
struct Line {
    std::uint32_t unknown = 0;
    std::uint32_t up = 0;  // known sites whose spin is +1

    int unknown_count() const { return std::popcount(unknown); }
};

// `batch` tensors side by side, each with one axis of length 2 per unknown site, ascending sites from the fastest axis:
// entry (spins, column) lies at spins * batch + column. The true values are entries * exp(log_scale()).
// One thread at a time; make one per call.
class LineTensor {
public:
    // Lines of `width` sites; room for `batch` tensors of at most `most_unknown` axes.
    LineTensor(int width, int most_unknown, std::size_t batch);

    // Column j becomes the unit vector of the spins starts[j], or zero where there are fewer starts than columns.
    void set_units(std::uint32_t unknown, std::span<const std::uint32_t> starts);
    void set_ones(std::uint32_t unknown);

    // From a function of the spins s of line `from` to one of the spins t of line `to`: sums over the unknown s against
    // exp(coupling * sum_i s_i t_i).
    void cross(const Line& from, const Line& to, double coupling);

    // Multiplies by the weight of the line's spins, table[spins of all sites], and keeps entries within range.
    void weigh(const Line& line, std::span<const double> table);

    std::size_t rows() const { return rows_; }
    std::size_t batch() const { return batch_; }
    double at(std::size_t spins, std::size_t column) const { return values_[spins * batch_ + column]; }
    std::span<const double> values() const { return {values_.data(), rows_ * batch_}; }
    double log_scale() const { return log_scale_; }

private:
    std::size_t stride_of(std::uint32_t site) const { return batch_ << std::popcount(axes_ & (site - 1)); }

    const int width_;
    const std::size_t batch_;
    std::uint32_t axes_ = 0;  // sites that have an axis now
    std::size_t rows_ = 1;    // 2^axes
    double log_scale_ = 0;
    double next_factor_ = 1;  // brings the largest entry near 1; applied by the next weigh
    std::vector<double> values_;
    std::vector<double> weights_;  // of the present rows, scratch
    std::vector<double> largest_;  // of each column, scratch
};

}  // namespace ising
