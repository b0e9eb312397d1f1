#include "line_tensor.h"

#include <algorithm>
#include <cmath>

#include <marginalia/wide.h>

namespace ising {
namespace {

constexpr std::size_t cache_block = 4096;  // doubles that stay in the first-level cache

// Multiplies one axis by [[same, differ], [differ, same]].
MARGINALIA_WIDE void mix_axis(double* values, std::size_t size, std::size_t stride, double same, double differ) {
    for (std::size_t first = 0; first < size; first += 2 * stride) {
        double* __restrict a = values + first;
        double* __restrict b = a + stride;
        for (std::size_t j = 0; j < stride; ++j) {
            const double down = a[j], up = b[j];
            a[j] = same * down + differ * up;
            b[j] = differ * down + same * up;
        }
    }
}

// Two neighbouring axes in one pass over the memory.
MARGINALIA_WIDE void mix_two_axes(double* values, std::size_t size, std::size_t stride, double same, double differ) {
    for (std::size_t first = 0; first < size; first += 4 * stride) {
        double* __restrict a = values + first;
        double* __restrict b = a + stride;
        double* __restrict c = b + stride;
        double* __restrict d = c + stride;
        for (std::size_t j = 0; j < stride; ++j) {
            const double ab = same * a[j] + differ * b[j], ba = differ * a[j] + same * b[j];
            const double cd = same * c[j] + differ * d[j], dc = differ * c[j] + same * d[j];
            a[j] = same * ab + differ * cd;
            b[j] = same * ba + differ * dc;
            c[j] = differ * ab + same * cd;
            d[j] = differ * ba + same * dc;
        }
    }
}

void mix_axes(double* values, std::size_t size, std::size_t stride, double same, double differ) {
    while (4 * stride <= size) {
        mix_two_axes(values, size, stride, same, differ);
        stride *= 4;
    }
    if (2 * stride <= size) mix_axis(values, size, stride, same, differ);
}

// Multiplies every axis, the fast ones block by block while a block is in the cache.
void mix_all_axes(double* values, std::size_t size, std::size_t batch, double same, double differ) {
    std::size_t block = batch;
    while (block < size && 2 * block <= cache_block) block *= 2;
    for (std::size_t first = 0; first < size; first += block) mix_axes(values + first, block, batch, same, differ);
    mix_axes(values, size, block, same, differ);
}

// Sums one axis away against (down, up). The result moves towards the front, over entries already read.
void contract_axis(double* values, std::size_t size, std::size_t stride, double down, double up) {
    for (std::size_t first = 0; first < size; first += 2 * stride) {
        const double* a = values + first;
        double* out = values + first / 2;
        for (std::size_t j = 0; j < stride; ++j) out[j] = down * a[j] + up * a[j + stride];
    }
}

// Adds an axis with values (down, up) times the old entries. Works from the back, as the result is twice as long.
void expand_axis(double* values, std::size_t size, std::size_t stride, double down, double up) {
    for (std::size_t first = size; first > 0;) {
        first -= stride;
        double* out = values + 2 * first;
        for (std::size_t j = 0; j < stride; ++j) {
            const double old = values[first + j];
            out[j] = down * old;
            out[j + stride] = up * old;
        }
    }
}

// Scales each row by its weight and keeps the largest entry of each column.
MARGINALIA_WIDE void weigh_rows(double* values, std::size_t rows, std::size_t batch, const double* weights,
                                double* largest) {
    for (std::size_t row = 0; row < rows; ++row) {
        double* __restrict entry = values + row * batch;
        for (std::size_t j = 0; j < batch; ++j) {
            const double value = entry[j] * weights[row];
            entry[j] = value;
            largest[j] = value > largest[j] ? value : largest[j];
        }
    }
}

template <class Body>
void for_each_site(std::uint32_t sites, Body&& body) {
    for (; sites != 0; sites &= sites - 1) body(sites & (~sites + 1));
}

}  // namespace

LineTensor::LineTensor(int width, int most_unknown, std::size_t batch)
    : width_(width), batch_(batch), values_(batch << most_unknown), weights_(std::size_t{1} << most_unknown),
      largest_(batch) {}

void LineTensor::set_units(std::uint32_t unknown, std::span<const std::uint32_t> starts) {
    axes_ = unknown;
    rows_ = std::size_t{1} << std::popcount(unknown);
    log_scale_ = 0;
    next_factor_ = 1;
    std::fill_n(values_.begin(), rows_ * batch_, 0.0);
    for (std::size_t column = 0; column < starts.size(); ++column) values_[starts[column] * batch_ + column] = 1;
}

void LineTensor::set_ones(std::uint32_t unknown) {
    axes_ = unknown;
    rows_ = std::size_t{1} << std::popcount(unknown);
    log_scale_ = 0;
    next_factor_ = 1;
    std::fill_n(values_.begin(), rows_ * batch_, 1.0);
}

void LineTensor::cross(const Line& from, const Line& to, double coupling) {
    const double shift = std::abs(coupling);  // keeps every factor at most 1
    const double same = std::exp(coupling - shift), differ = std::exp(-coupling - shift);
    for_each_site(from.unknown & ~to.unknown, [&](std::uint32_t site) {
        const bool up = (to.up & site) != 0;
        contract_axis(values_.data(), rows_ * batch_, stride_of(site), up ? differ : same, up ? same : differ);
        axes_ &= ~site;
        rows_ /= 2;
    });
    mix_all_axes(values_.data(), rows_ * batch_, batch_, same, differ);
    for_each_site(to.unknown & ~from.unknown, [&](std::uint32_t site) {
        const bool up = (from.up & site) != 0;
        expand_axis(values_.data(), rows_ * batch_, stride_of(site), up ? differ : same, up ? same : differ);
        axes_ |= site;
        rows_ *= 2;
    });
    const std::uint32_t either = from.unknown | to.unknown;
    const int known_pairs = width_ - std::popcount(either);
    const int unlike_pairs = std::popcount((from.up ^ to.up) & ~either);
    log_scale_ += shift * std::popcount(either) + coupling * (known_pairs - 2 * unlike_pairs);
}

void LineTensor::weigh(const Line& line, std::span<const double> table) {
    std::uint32_t spins = 0;
    for (std::size_t row = 0; row < rows_; ++row) {
        weights_[row] = table[line.up | spins] * next_factor_;
        spins = (spins - line.unknown) & line.unknown;  // the next larger subset of the unknown sites
    }
    log_scale_ -= std::log(next_factor_);
    std::fill(largest_.begin(), largest_.end(), 0.0);
    weigh_rows(values_.data(), rows_, batch_, weights_.data(), largest_.data());
    next_factor_ = 1 / *std::max_element(largest_.begin(), largest_.end());
}

}  // namespace ising
