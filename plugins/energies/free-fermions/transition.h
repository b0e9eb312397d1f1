// Matrix elements between two Gaussian states of free fermions.
#pragma once

#include <cstddef>
#include <vector>

namespace free_fermions {

// <A| psi> for a fixed A and a psi that is multiplied by one factor after the other, each u (1 + Q) / 2 + v (1 - Q) / 2
// with Q = i b_p a_q, by g_pq = <A| i b_p a_q |psi> / <A| psi>: unlike a mean it may be beyond +-1. From the matrices
// of both states (SpinLine), g = 2 ((G_A + G)^-1)^T; a factor changes it by two products of a column and a row, by
// Wick's theorem. Not for several threads.
class Transition {
public:
    // A's matrix, size^2 entries.
    Transition(std::vector<double> bra, std::size_t size)
        : size_(size), bra_(std::move(bra)), b_(size), a_(size), row_(size), column_(size) {}

    // Puts the state of this matrix in the place of psi; to be called first.
    void restart(const std::vector<double>& ket);

    double mean(std::size_t p, std::size_t q) const { return g_[p * size_ + q]; }

    // Multiplies psi; what <A| psi> is multiplied by.
    double apply(std::size_t p, std::size_t q, double u, double v);

private:
    const std::size_t size_;
    const std::vector<double> bra_;
    std::vector<double> g_;
    std::vector<double> b_, a_, row_, column_;  // <A| b_j b_p |psi>, <A| a_k a_q |psi>, g's row p and column q
};

}  // namespace free_fermions
