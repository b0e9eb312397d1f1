// A line of spins as a state of free fermions.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include "factor-graph/dual.h"

namespace free_fermions {

using factor_graph::value_of;

// The sum over all spins that have left the line is a function psi >= 0 of those on it. Two Majorana operators a and b
// a spin (P. Jordan, E. Wigner, Z. Phys. 47, 631 (1928)) turn the weight of a bond between neighbours and the sum over
// a spin into u (1 + Q) / 2 + v (1 - Q) / 2 with Q = i b_p a_q, whose square is 1: for spins p and q side by side
// Q = s_p s_q, and Q = -(flip spin p) for q = p. Such operators keep psi / |psi| a Gaussian state, which is all in the
// orthogonal matrix G_pq = <i b_p a_q>; |psi|^2 grows by the mean of u^2 or v^2 over the shares (1 +- G_pq) / 2 of
// Q = +-1. For a sum over a spin, that share is a half at least, since psi is nowhere negative.
//
// Orthogonality is what has to be kept, as errors across it grow from row to row: by a step of Newton and Schulz each
// time that the line has been renewed (F. Merz, J. T. Chalker, Phys. Rev. B 65, 054425 (2002) do so by QR). A share
// near 0, of a bond that the rest of the lattice forbids, comes from the other entries of its row, of which rounding
// has left all digits.
//
// Scalar is double, or factor_graph::Dual for log |psi| with a derivative.
template <class Scalar>
class SpinLine {
public:
    // All slots are free: a free slot's spin has left, and so is up or down with equal weight, apart from the rest.
    explicit SpinLine(std::size_t slots) : slots_(slots), g_(slots * slots), row_(slots), column_(slots) {
        for (std::size_t slot = 0; slot < slots; ++slot) at(slot, slot) = -1;
    }

    // What a step multiplies psi by: exp(log_scale) * (u (1 + Q) / 2 + v (1 - Q) / 2), the larger of u and v being 1.
    struct Factor {
        std::size_t p, q;
        Scalar u, v, log_scale;
    };

    // exp(weight s_left s_right) for spins that are next to each other; `around`: the last of the line and the first.
    static Factor bond(std::size_t left, std::size_t right, Scalar weight, bool around) {
        using std::exp;
        const bool positive = value_of(weight) > 0;
        const Scalar size = positive ? weight : Scalar(0) - weight, unlike = exp(Scalar(-2) * size);
        return positive != around ? Factor{left, right, 1, unlike, size} : Factor{left, right, unlike, 1, size};
    }

    // The mean over the two values of a spin, whose slot is free then.
    static Factor mean(std::size_t slot) { return {slot, slot, 0, 1, 0}; }

    // exp(weight s s') for a spin and its successor s', which takes its slot, summed over s: e^w + e^-w (flip). The
    // weight is at least 0.
    static Factor successor(std::size_t slot, Scalar weight) {
        using std::exp;
        using std::log;
        const Scalar unlike = exp(Scalar(-2) * weight), both = Scalar(1) + unlike;
        return {slot, slot, (Scalar(1) - unlike) / both, 1, weight + log(both)};
    }

    // Two spins of free slots that are equal from now on, or opposite; psi is 1 / sqrt 2 where they are so.
    void pair(std::size_t left, std::size_t right, bool equal) {
        at(left, left) = at(right, right) = 0;
        at(left, right) = equal ? 1 : -1;
        at(right, left) = equal ? -1 : 1;
    }

    // The spins +1 or -1 of the whole line, one a slot: psi is 1 / sqrt 2 for them and for all of them turned.
    void know(std::span<const double> spins) {
        std::fill(g_.begin(), g_.end(), Scalar(0));
        for (std::size_t slot = 0; slot + 1 < slots_; ++slot) at(slot, slot + 1) = spins[slot] * spins[slot + 1];
        at(slots_ - 1, 0) = -spins[slots_ - 1] * spins[0];
    }

    // Multiplies psi, then normalises it.
    void apply(const Factor& factor) {
        using std::log;
        const auto& [p, q, u, v, log_scale] = factor;
        Scalar rest = 0;
        for (std::size_t i = 0; i < slots_; ++i) {
            row_[i] = i == q ? Scalar(0) : at(p, i);
            column_[i] = i == p ? Scalar(0) : at(i, q);
            rest += row_[i] * row_[i];
        }
        const Scalar here = at(p, q);
        const bool below = value_of(here) < 0;
        const Scalar larger = Scalar(0.5) * (below ? Scalar(1) - here : Scalar(1) + here);
        const Scalar smaller = rest / (Scalar(4) * larger);  // as (1 + G)(1 - G) = rest
        const Scalar plus = u * u * (below ? smaller : larger), minus = v * v * (below ? larger : smaller);
        const Scalar norm = plus + minus;
        log_norm_ += log_scale + Scalar(0.5) * log(norm);
        const Scalar turn = Scalar(0.5) * (u * u - v * v) / norm, shrink = u * v / norm;
        for (std::size_t i = 0; i < slots_; ++i) {
            if (std::abs(value_of(column_[i])) < negligible) continue;
            const Scalar share = turn * column_[i];
            Scalar* row = &at(i, 0);
            for (std::size_t j = 0; j < slots_; ++j) row[j] -= share * row_[j];
        }
        for (std::size_t i = 0; i < slots_; ++i) {
            at(p, i) = shrink * row_[i];
            at(i, q) = shrink * column_[i];
        }
        at(p, q) = (plus - minus) / norm;
    }

    // To be called once for about as many sums as there are slots.
    void straighten() {
        std::vector<Scalar> turned(g_.size()), square(g_.size()), product(g_.size());
        for (std::size_t i = 0; i < slots_; ++i)
            for (std::size_t j = 0; j < slots_; ++j) turned[j * slots_ + i] = at(i, j);
        multiply(g_, turned, square);
        multiply(square, g_, product);
        for (std::size_t i = 0; i < g_.size(); ++i) g_[i] = Scalar(1.5) * g_[i] - Scalar(0.5) * product[i];
    }

    // log |psi|, psi being a mean over what was summed out and starting as a mean over nothing: once all spins have
    // left, Z is 2^sites times its exponential.
    Scalar log_norm() const { return log_norm_; }

    const std::vector<Scalar>& means() const { return g_; }  // G, row by row

private:
    // Entries that are smaller cannot be seen in any sum, and would cost a hundred times as much once they are
    // subnormal.
    static constexpr double negligible = 1e-60;

    Scalar& at(std::size_t row, std::size_t column) { return g_[row * slots_ + column]; }

    void multiply(const std::vector<Scalar>& a, const std::vector<Scalar>& b, std::vector<Scalar>& out) const {
        for (std::size_t i = 0; i < slots_; ++i)
            for (std::size_t k = 0; k < slots_; ++k) {
                const Scalar factor = a[i * slots_ + k];
                if (std::abs(value_of(factor)) < negligible) continue;
                for (std::size_t j = 0; j < slots_; ++j) out[i * slots_ + j] += factor * b[k * slots_ + j];
            }
    }

    const std::size_t slots_;
    std::vector<Scalar> g_;
    std::vector<Scalar> row_, column_;  // of the entry at hand, which is 0 in both
    Scalar log_norm_ = 0;
};

}  // namespace free_fermions
