// The table of a frontier: a number for each state of the sites in its slots.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "dual.h"

namespace factor_graph {

// Slot k has q values, q^k entries apart; a slot without a site holds its sum at value 0 and zeros elsewhere. At first
// all are so, and the sum is 1. Scalar is double or Dual.
template <class Scalar>
class FrontierTable {
public:
    FrontierTable(std::size_t values, std::size_t slots) : values_(values), before_(values * most_lanes), strides_{1} {
        for (std::size_t slot = 0; slot < slots; ++slot) strides_.push_back(strides_.back() * values);
        entries_.resize(strides_.back());
        entries_[0] = 1;
    }

    // A new site in the slot of another: t'(v) = w(v) * sum_u (equal if u = v else 1) t(u), w(0) = zero, else 1.
    void renew(std::size_t slot, Scalar equal, Scalar zero) {
        const std::size_t stride = strides_[slot], block = strides_[slot + 1];
        used_ = std::max(used_, block);
        const Scalar shrink = 1 / largest_;
        log_scale_ += std::log(largest_);
        std::fill(std::begin(most_), std::end(most_), 0.0);
        for (std::size_t first = 0; first < used_; first += block)
            for (std::size_t lane = 0; lane < stride; lane += most_lanes)
                renew_lanes(&entries_[first + lane], stride, std::min(most_lanes, stride - lane), shrink * equal,
                            shrink, zero);
        largest_ = *std::max_element(std::begin(most_), std::end(most_));
    }

    // Entries in which two slots have the same value weigh `factor`.
    void weigh_equal(std::size_t slot, std::size_t other, Scalar factor) {
        const std::size_t low = strides_[std::min(slot, other)], high = strides_[std::max(slot, other)];
        for (std::size_t first = 0; first < used_; first += high * values_)
            for (std::size_t value = 0; value < values_; ++value)
                for (std::size_t middle = 0; middle < high; middle += low * values_) {
                    Scalar* same = &entries_[first + value * high + middle + value * low];
                    for (std::size_t i = 0; i < low; ++i) same[i] = same[i] * factor;
                }
    }

    void sum_out(std::size_t slot) {
        const std::size_t stride = strides_[slot];
        for (std::size_t first = 0; first < used_; first += stride * values_)
            for (std::size_t value = 1; value < values_; ++value)
                for (std::size_t i = first; i < first + stride; ++i) {
                    entries_[i] += entries_[i + value * stride];
                    entries_[i + value * stride] = 0;
                }
    }

    // Of the sum over all, once every slot is without a site.
    Scalar log_total() const {
        using std::log;
        return log(entries_[0]) + Scalar(log_scale_);
    }

private:
    static constexpr std::size_t most_lanes = 64;  // fibres side by side, for vectors

    // The others of a fibre are summed from either end, as to take one off their total would lose digits.
    void renew_lanes(Scalar* fibres, std::size_t stride, std::size_t lanes, Scalar equal, Scalar unequal, Scalar zero) {
        std::fill_n(sums_, lanes, Scalar(0));
        for (std::size_t value = 0; value < values_; ++value)
            for (std::size_t i = 0; i < lanes; ++i) {
                before_[value * lanes + i] = sums_[i];
                sums_[i] += fibres[value * stride + i];
            }
        std::fill_n(sums_, lanes, Scalar(0));
        for (std::size_t value = values_; value-- > 0;)
            for (std::size_t i = 0; i < lanes; ++i) {
                Scalar& entry = fibres[value * stride + i];
                const Scalar here = entry;
                entry = unequal * (before_[value * lanes + i] + sums_[i]) + equal * here;
                if (value == 0) entry = entry * zero;
                sums_[i] += here;
                most_[i] = std::max(most_[i], value_of(entry));
            }
    }

    const std::size_t values_;
    std::vector<Scalar> entries_, before_;
    std::vector<std::size_t> strides_;
    Scalar sums_[most_lanes];
    double most_[most_lanes];  // of each lane
    std::size_t used_ = 1;     // entries, the rest being zero
    double largest_ = 1;       // of the entries, as they were renewed last
    double log_scale_ = 0;
};

}  // namespace factor_graph
