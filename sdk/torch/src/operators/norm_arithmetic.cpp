// Sums over rows, and norms with their silu. Compiled as arithmetic.cpp is.
#include "arithmetic.h"
#include "elementary.h"

namespace marginalia::operators {
namespace {

template <bool activated, class Value>
MARGINALIA_PART_OF_WIDE void add_rows_all(const Value* __restrict from, std::int64_t rows, std::int64_t count,
                                          float* __restrict to) {
    for (std::int64_t row = 0; row < rows; ++row)
        for (std::int64_t i = 0; i < count; ++i) {
            const float value = load(from[row * count + i]);
            to[i] += activated ? silu(value) : value;
        }
}

template <class Value>
MARGINALIA_PART_OF_WIDE void add_squared_all(const Value* __restrict from, const float* __restrict mean,
                                             std::int64_t rows, std::int64_t count, float* __restrict to) {
    for (std::int64_t row = 0; row < rows; ++row)
        for (std::int64_t i = 0; i < count; ++i) {
            const float distance = load(from[row * count + i]) - mean[i];
            to[i] += distance * distance;
        }
}

template <class Value>
MARGINALIA_PART_OF_WIDE void scaled_silu_all(const Value* __restrict h, const float* __restrict factor,
                                             const float* __restrict offset, std::int64_t rows, std::int64_t count,
                                             Value* __restrict to) {
    for (std::int64_t row = 0; row < rows; ++row)
        for (std::int64_t i = 0; i < count; ++i)
            store(to[row * count + i], silu(load(h[row * count + i]) * factor[i] + offset[i]));
}

template <class Value>
MARGINALIA_PART_OF_WIDE void norm_sums_all(const Value* __restrict g, const Value* __restrict h, const NormLine& line,
                                           std::int64_t rows, std::int64_t count, float* __restrict sum,
                                           float* __restrict product) {
    const float* __restrict factor = line.factor, * __restrict offset = line.offset, * __restrict mean = line.mean;
    for (std::int64_t row = 0; row < rows; ++row)
        for (std::int64_t i = 0; i < count; ++i) {
            const float x = load(h[row * count + i]);
            const float s = load(g[row * count + i]) * silu_slope(x * factor[i] + offset[i]);
            sum[i] += s;
            product[i] += s * (x - mean[i]);
        }
}

template <class Value>
MARGINALIA_PART_OF_WIDE void norm_back_all(const Value* __restrict g, const Value* __restrict h, const NormLine& line,
                                           const float* __restrict flat, const float* __restrict tilted,
                                           std::int64_t rows, std::int64_t count, Value* __restrict to) {
    const float* __restrict factor = line.factor, * __restrict offset = line.offset, * __restrict mean = line.mean;
    for (std::int64_t row = 0; row < rows; ++row)
        for (std::int64_t i = 0; i < count; ++i) {
            const float x = load(h[row * count + i]);
            const float s = load(g[row * count + i]) * silu_slope(x * factor[i] + offset[i]);
            store(to[row * count + i], factor[i] * s - flat[i] - tilted[i] * (x - mean[i]));
        }
}

template <class Value>
MARGINALIA_PART_OF_WIDE void rows_of_slopes_all(const float* __restrict g, const Value* __restrict h, std::int64_t rows,
                                                std::int64_t count, Value* __restrict to) {
    for (std::int64_t row = 0; row < rows; ++row)
        for (std::int64_t i = 0; i < count; ++i)
            store(to[row * count + i], g[i] * silu_slope(load(h[row * count + i])));
}

MARGINALIA_WIDE void add_rows_float(const float* from, std::int64_t rows, std::int64_t n, float* to) {
    add_rows_all<false>(from, rows, n, to);
}
MARGINALIA_WIDE void add_rows_half(const Half* from, std::int64_t rows, std::int64_t n, float* to) {
    add_rows_all<false>(from, rows, n, to);
}
MARGINALIA_WIDE void add_activated_float(const float* from, std::int64_t rows, std::int64_t n, float* to) {
    add_rows_all<true>(from, rows, n, to);
}
MARGINALIA_WIDE void add_activated_half(const Half* from, std::int64_t rows, std::int64_t n, float* to) {
    add_rows_all<true>(from, rows, n, to);
}
MARGINALIA_WIDE void squared_float(const float* from, const float* mean, std::int64_t rows, std::int64_t n, float* to) {
    add_squared_all(from, mean, rows, n, to);
}
MARGINALIA_WIDE void squared_half(const Half* from, const float* mean, std::int64_t rows, std::int64_t n, float* to) {
    add_squared_all(from, mean, rows, n, to);
}
MARGINALIA_WIDE void scaled_float(const float* h, const float* factor, const float* offset, std::int64_t rows,
                                  std::int64_t n, float* to) {
    scaled_silu_all(h, factor, offset, rows, n, to);
}
MARGINALIA_WIDE void scaled_half(const Half* h, const float* factor, const float* offset, std::int64_t rows,
                                 std::int64_t n, Half* to) {
    scaled_silu_all(h, factor, offset, rows, n, to);
}
MARGINALIA_WIDE void norm_sums_float(const float* g, const float* h, const NormLine& line, std::int64_t rows,
                                     std::int64_t n, float* sum, float* product) {
    norm_sums_all(g, h, line, rows, n, sum, product);
}
MARGINALIA_WIDE void norm_sums_half(const Half* g, const Half* h, const NormLine& line, std::int64_t rows,
                                    std::int64_t n, float* sum, float* product) {
    norm_sums_all(g, h, line, rows, n, sum, product);
}
MARGINALIA_WIDE void norm_back_float(const float* g, const float* h, const NormLine& line, const float* flat,
                                     const float* tilted, std::int64_t rows, std::int64_t n, float* to) {
    norm_back_all(g, h, line, flat, tilted, rows, n, to);
}
MARGINALIA_WIDE void norm_back_half(const Half* g, const Half* h, const NormLine& line, const float* flat,
                                    const float* tilted, std::int64_t rows, std::int64_t n, Half* to) {
    norm_back_all(g, h, line, flat, tilted, rows, n, to);
}
MARGINALIA_WIDE void slopes_float(const float* g, const float* h, std::int64_t rows, std::int64_t n, float* to) {
    rows_of_slopes_all(g, h, rows, n, to);
}
MARGINALIA_WIDE void slopes_half(const float* g, const Half* h, std::int64_t rows, std::int64_t n, Half* to) {
    rows_of_slopes_all(g, h, rows, n, to);
}

}  // namespace

void add_rows(const float* from, std::int64_t rows, std::int64_t n, float* to) { add_rows_float(from, rows, n, to); }
void add_rows(const at::BFloat16* from, std::int64_t rows, std::int64_t n, float* to) {
    add_rows_half(halves(from), rows, n, to);
}
void add_activated_rows(const float* from, std::int64_t rows, std::int64_t n, float* to) {
    add_activated_float(from, rows, n, to);
}
void add_activated_rows(const at::BFloat16* from, std::int64_t rows, std::int64_t n, float* to) {
    add_activated_half(halves(from), rows, n, to);
}
void add_squared_rows(const float* from, const float* mean, std::int64_t rows, std::int64_t n, float* to) {
    squared_float(from, mean, rows, n, to);
}
void add_squared_rows(const at::BFloat16* from, const float* mean, std::int64_t rows, std::int64_t n, float* to) {
    squared_half(halves(from), mean, rows, n, to);
}
void scaled_silu(const float* h, const float* factor, const float* offset, std::int64_t rows, std::int64_t n,
                 float* to) {
    scaled_float(h, factor, offset, rows, n, to);
}
void scaled_silu(const at::BFloat16* h, const float* factor, const float* offset, std::int64_t rows, std::int64_t n,
                 at::BFloat16* to) {
    scaled_half(halves(h), factor, offset, rows, n, halves(to));
}
void norm_silu_sums(const float* g, const float* h, const NormLine& line, std::int64_t rows, std::int64_t n, float* sum,
                    float* product) {
    norm_sums_float(g, h, line, rows, n, sum, product);
}
void norm_silu_sums(const at::BFloat16* g, const at::BFloat16* h, const NormLine& line, std::int64_t rows,
                    std::int64_t n, float* sum, float* product) {
    norm_sums_half(halves(g), halves(h), line, rows, n, sum, product);
}
void norm_silu_back(const float* g, const float* h, const NormLine& line, const float* flat, const float* tilted,
                    std::int64_t rows, std::int64_t n, float* to) {
    norm_back_float(g, h, line, flat, tilted, rows, n, to);
}
void norm_silu_back(const at::BFloat16* g, const at::BFloat16* h, const NormLine& line, const float* flat,
                    const float* tilted, std::int64_t rows, std::int64_t n, at::BFloat16* to) {
    norm_back_half(halves(g), halves(h), line, flat, tilted, rows, n, halves(to));
}
void rows_of_slopes(const float* g, const float* h, std::int64_t rows, std::int64_t n, float* to) {
    slopes_float(g, h, rows, n, to);
}
void rows_of_slopes(const float* g, const at::BFloat16* h, std::int64_t rows, std::int64_t n, at::BFloat16* to) {
    slopes_half(g, halves(h), rows, n, halves(to));
}

}  // namespace marginalia::operators
