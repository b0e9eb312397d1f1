#include "transition.h"

#include <algorithm>
#include <cmath>

namespace free_fermions {
namespace {

// row += factor * other, of a matrix.
void add_row(std::vector<double>& matrix, std::size_t size, std::size_t row, std::size_t other, double factor) {
    for (std::size_t j = 0; j < size; ++j) matrix[row * size + j] += factor * matrix[other * size + j];
}

// By Gauss and Jordan with the largest pivot of each column.
std::vector<double> inverse_of(std::vector<double> matrix, std::size_t size) {
    std::vector<double> inverse(size * size);
    for (std::size_t i = 0; i < size; ++i) inverse[i * size + i] = 1;
    for (std::size_t k = 0; k < size; ++k) {
        std::size_t pivot = k;
        for (std::size_t i = k + 1; i < size; ++i)
            if (std::abs(matrix[i * size + k]) > std::abs(matrix[pivot * size + k])) pivot = i;
        for (std::vector<double>* either : {&matrix, &inverse}) {
            const auto row = either->begin() + static_cast<std::ptrdiff_t>(k * size);
            std::swap_ranges(row, row + static_cast<std::ptrdiff_t>(size),
                             either->begin() + static_cast<std::ptrdiff_t>(pivot * size));
        }
        const double scale = 1 / matrix[k * size + k];
        for (std::size_t i = 0; i < size; ++i) {
            if (i == k) continue;
            const double factor = -scale * matrix[i * size + k];
            add_row(matrix, size, i, k, factor);
            add_row(inverse, size, i, k, factor);
        }
        for (std::size_t j = 0; j < size; ++j) matrix[k * size + j] *= scale, inverse[k * size + j] *= scale;
    }
    return inverse;
}

}  // namespace

void Transition::restart(const std::vector<double>& ket) {
    std::vector<double> both(ket.size());
    for (std::size_t i = 0; i < ket.size(); ++i) both[i] = 0.5 * (bra_[i] + ket[i]);
    const std::vector<double> inverse = inverse_of(std::move(both), size_);
    g_.resize(size_ * size_);
    for (std::size_t j = 0; j < size_; ++j)
        for (std::size_t k = 0; k < size_; ++k) g_[j * size_ + k] = inverse[k * size_ + j];
}

double Transition::apply(std::size_t p, std::size_t q, double u, double v) {
    for (std::size_t i = 0; i < size_; ++i) {
        row_[i] = g_[p * size_ + i];
        column_[i] = g_[i * size_ + q];
    }
    std::fill(a_.begin(), a_.end(), 0.0);
    for (std::size_t i = 0; i < size_; ++i) {
        b_[i] = 0;
        for (std::size_t j = 0; j < size_; ++j) {
            b_[i] += bra_[i * size_ + j] * row_[j];
            a_[j] += bra_[i * size_ + j] * column_[i];
        }
    }
    const double factor = 0.5 * (u + v) + 0.5 * (u - v) * row_[q], change = 0.5 * (u - v) / factor;
    for (std::size_t j = 0; j < size_; ++j) {
        const double by_b = change * b_[j], by_column = change * column_[j];
        for (std::size_t k = 0; k < size_; ++k) g_[j * size_ + k] += by_b * a_[k] - by_column * row_[k];
    }
    return factor;
}

}  // namespace free_fermions
