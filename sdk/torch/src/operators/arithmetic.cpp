// Compiled for wider vectors, and so that the compiler makes vectors of these loops (CMakeLists.txt).
#include "arithmetic.h"

#include <bit>
#include <cstdint>

#include <marginalia/wide.h>

namespace marginalia::operators {
namespace {

// A bfloat16 is the upper half of a float32; rounded to the nearest, to even where two are as near.
struct Half {
    std::uint16_t bits;
};

MARGINALIA_PART_OF_WIDE float load(const float& value) { return value; }
MARGINALIA_PART_OF_WIDE float load(const Half& value) { return std::bit_cast<float>(std::uint32_t{value.bits} << 16); }
MARGINALIA_PART_OF_WIDE void store(float& to, float value) { to = value; }
MARGINALIA_PART_OF_WIDE void store(Half& to, float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    to.bits = static_cast<std::uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

// exp(x) for x in [-87, 87], to 2 units in the last place: 2^n times exp(r), r in [-ln 2 / 2, ln 2 / 2], by Taylor's
// series, of which r^7 / 7! < 1.3e-7 is left out.
MARGINALIA_PART_OF_WIDE float exponential(float x) {
    constexpr float shift = 12582912.0f;  // 1.5 * 2^23: its addition rounds to a whole number, in the lowest bits
    const float n = x * 1.44269504f + shift, whole = n - shift;
    const float r = x - whole * 0.693145752f - whole * 1.42860677e-6f;
    float p = 1.38888889e-3f;
    p = p * r + 8.33333333e-3f;
    p = p * r + 4.16666667e-2f;
    p = p * r + 1.66666667e-1f;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    const std::uint32_t power = (std::bit_cast<std::uint32_t>(n) + 127) << 23;
    return p * std::bit_cast<float>(power);
}

MARGINALIA_PART_OF_WIDE float logistic(float x) {
    const float bounded = x < -87.0f ? -87.0f : (x > 87.0f ? 87.0f : x);
    return 1.0f / (1.0f + exponential(-bounded));
}

MARGINALIA_PART_OF_WIDE float silu(float x) { return x * logistic(x); }
MARGINALIA_PART_OF_WIDE float silu_slope(float x) {
    const float s = logistic(x);
    return s * (1.0f + x * (1.0f - s));
}

// Φ(x) and its slope. 1 - Φ(|x|) is half of erfc(|x| / sqrt 2), by M. Abramowitz, I. A. Stegun, Handbook of
// mathematical functions, 7.1.26, whose error is below 1.5e-7.
struct Normal {
    float distribution, density;
};
MARGINALIA_PART_OF_WIDE Normal normal(float x) {
    const float size = x < 0 ? -x : x, bounded = size > 13.0f ? 13.0f : size;
    const float bell = exponential(-0.5f * bounded * bounded), t = 1.0f / (1.0f + 0.231641888f * bounded);
    const float tail =
        bell * t * (0.127414796f + t * (-0.142248368f + t * (0.710706871f + t * (-0.726576014f + t * 0.530702715f))));
    return {x < 0 ? tail : 1.0f - tail, 0.398942280f * bell};
}

template <class Value>
MARGINALIA_PART_OF_WIDE void gelu_all(const Value* __restrict h, Value* __restrict to, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) {
        const float x = load(h[i]);
        store(to[i], x * normal(x).distribution);
    }
}

template <class Value>
MARGINALIA_PART_OF_WIDE void gelu_slope_all(const Value* __restrict g, const Value* __restrict h, Value* __restrict to,
                                            std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) {
        const float x = load(h[i]);
        const Normal at = normal(x);
        store(to[i], load(g[i]) * (at.distribution + x * at.density));
    }
}

constexpr std::int64_t lanes = 16;  // sums and maxima of a row are kept in so many places, so that they are vectors

template <class Value>
MARGINALIA_PART_OF_WIDE void softmax_row(Value* __restrict values, std::int64_t count, float scale) {
    float most[lanes], sums[lanes];
    for (std::int64_t k = 0; k < lanes; ++k) most[k] = -3e38f, sums[k] = 0;
    const std::int64_t whole = count - count % lanes;
    for (std::int64_t i = 0; i < whole; i += lanes)
        for (std::int64_t k = 0; k < lanes; ++k) {
            const float v = load(values[i + k]);
            most[k] = v > most[k] ? v : most[k];
        }
    for (std::int64_t i = whole; i < count; ++i) {
        const float v = load(values[i]);
        most[0] = v > most[0] ? v : most[0];
    }
    float top = most[0];
    for (std::int64_t k = 1; k < lanes; ++k) top = most[k] > top ? most[k] : top;
    const auto power = [&](const Value& value) {
        const float x = scale * (load(value) - top);
        return exponential(x < -87.0f ? -87.0f : x);
    };
    for (std::int64_t i = 0; i < whole; i += lanes)
        for (std::int64_t k = 0; k < lanes; ++k) sums[k] += power(values[i + k]);
    for (std::int64_t i = whole; i < count; ++i) sums[0] += power(values[i]);
    float sum = 0;
    for (std::int64_t k = 0; k < lanes; ++k) sum += sums[k];
    const float share = 1.0f / sum;
    for (std::int64_t i = 0; i < count; ++i) store(values[i], share * power(values[i]));
}

template <class Value>
MARGINALIA_PART_OF_WIDE void softmax_row_back(const Value* __restrict p, Value* __restrict g, std::int64_t count,
                                              float scale) {
    float sums[lanes];
    for (std::int64_t k = 0; k < lanes; ++k) sums[k] = 0;
    const std::int64_t whole = count - count % lanes;
    for (std::int64_t i = 0; i < whole; i += lanes)
        for (std::int64_t k = 0; k < lanes; ++k) sums[k] += load(p[i + k]) * load(g[i + k]);
    for (std::int64_t i = whole; i < count; ++i) sums[0] += load(p[i]) * load(g[i]);
    float sum = 0;
    for (std::int64_t k = 0; k < lanes; ++k) sum += sums[k];
    for (std::int64_t i = 0; i < count; ++i) store(g[i], scale * load(p[i]) * (load(g[i]) - sum));
}

template <class Value>
MARGINALIA_PART_OF_WIDE void activate_all(const Value* __restrict h, Value* __restrict to, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) store(to[i], silu(load(h[i])));
}

// The activation is of the sum as it is stored, as it is in the plain form.
template <class Value>
MARGINALIA_PART_OF_WIDE void add_activate_all(const Value* __restrict h, const Value* __restrict c,
                                              Value* __restrict sum, Value* __restrict to, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) {
        Value rounded;
        store(rounded, load(h[i]) + load(c[i]));
        sum[i] = rounded;
        store(to[i], silu(load(rounded)));
    }
}

template <class Value>
MARGINALIA_PART_OF_WIDE void add_all(const Value* __restrict h, const Value* __restrict c, Value* __restrict sum,
                                     std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) store(sum[i], load(h[i]) + load(c[i]));
}

template <class Value>
MARGINALIA_PART_OF_WIDE void slope_all(const Value* __restrict a, const Value* __restrict h, Value* __restrict to,
                                       std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) store(to[i], load(a[i]) * silu_slope(load(h[i])));
}

template <class Value>
MARGINALIA_PART_OF_WIDE void add_slope_all(const Value* __restrict g, const Value* __restrict a,
                                           const Value* __restrict h, Value* __restrict to, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) store(to[i], load(g[i]) + load(a[i]) * silu_slope(load(h[i])));
}

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

template <class Value>
MARGINALIA_PART_OF_WIDE void sum_of_nine_all(const float* start, const float* const* rows, Value* __restrict to,
                                             std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i)
        store(to[i], start[i] + rows[0][i] + rows[1][i] + rows[2][i] + rows[3][i] + rows[4][i] + rows[5][i] +
                         rows[6][i] + rows[7][i] + rows[8][i]);
}

template <class Value>
MARGINALIA_PART_OF_WIDE void add_to_nine_all(const Value* g, float* const* rows, std::int64_t count) {
    for (int row = 0; row < 9; ++row)
        for (std::int64_t i = 0; i < count; ++i) rows[row][i] += load(g[i]);
}

MARGINALIA_WIDE void gelu_float(const float* h, float* to, std::int64_t n) { gelu_all(h, to, n); }
MARGINALIA_WIDE void gelu_half(const Half* h, Half* to, std::int64_t n) { gelu_all(h, to, n); }
MARGINALIA_WIDE void gelu_slope_float(const float* g, const float* h, float* to, std::int64_t n) {
    gelu_slope_all(g, h, to, n);
}
MARGINALIA_WIDE void gelu_slope_half(const Half* g, const Half* h, Half* to, std::int64_t n) {
    gelu_slope_all(g, h, to, n);
}
MARGINALIA_WIDE void softmax_float(float* values, std::int64_t rows, std::int64_t n, float scale) {
    for (std::int64_t row = 0; row < rows; ++row) softmax_row(values + row * n, n, scale);
}
MARGINALIA_WIDE void softmax_half(Half* values, std::int64_t rows, std::int64_t n, float scale) {
    for (std::int64_t row = 0; row < rows; ++row) softmax_row(values + row * n, n, scale);
}
MARGINALIA_WIDE void softmax_back_float(const float* p, float* g, std::int64_t rows, std::int64_t n, float scale) {
    for (std::int64_t row = 0; row < rows; ++row) softmax_row_back(p + row * n, g + row * n, n, scale);
}
MARGINALIA_WIDE void softmax_back_half(const Half* p, Half* g, std::int64_t rows, std::int64_t n, float scale) {
    for (std::int64_t row = 0; row < rows; ++row) softmax_row_back(p + row * n, g + row * n, n, scale);
}
MARGINALIA_WIDE void activate_float(const float* h, float* to, std::int64_t n) { activate_all(h, to, n); }
MARGINALIA_WIDE void activate_half(const Half* h, Half* to, std::int64_t n) { activate_all(h, to, n); }
MARGINALIA_WIDE void add_activate_float(const float* h, const float* c, float* sum, float* to, std::int64_t n) {
    add_activate_all(h, c, sum, to, n);
}
MARGINALIA_WIDE void add_activate_half(const Half* h, const Half* c, Half* sum, Half* to, std::int64_t n) {
    add_activate_all(h, c, sum, to, n);
}
MARGINALIA_WIDE void add_float(const float* h, const float* c, float* sum, std::int64_t n) { add_all(h, c, sum, n); }
MARGINALIA_WIDE void add_half(const Half* h, const Half* c, Half* sum, std::int64_t n) { add_all(h, c, sum, n); }
MARGINALIA_WIDE void slope_float(const float* a, const float* h, float* to, std::int64_t n) { slope_all(a, h, to, n); }
MARGINALIA_WIDE void slope_half(const Half* a, const Half* h, Half* to, std::int64_t n) { slope_all(a, h, to, n); }
MARGINALIA_WIDE void add_slope_float(const float* g, const float* a, const float* h, float* to, std::int64_t n) {
    add_slope_all(g, a, h, to, n);
}
MARGINALIA_WIDE void add_slope_half(const Half* g, const Half* a, const Half* h, Half* to, std::int64_t n) {
    add_slope_all(g, a, h, to, n);
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
MARGINALIA_WIDE void sum_of_nine_float(const float* start, const float* const* rows, float* to, std::int64_t n) {
    sum_of_nine_all(start, rows, to, n);
}
MARGINALIA_WIDE void sum_of_nine_half(const float* start, const float* const* rows, Half* to, std::int64_t n) {
    sum_of_nine_all(start, rows, to, n);
}
MARGINALIA_WIDE void add_to_nine_float(const float* g, float* const* rows, std::int64_t n) {
    add_to_nine_all(g, rows, n);
}
MARGINALIA_WIDE void add_to_nine_half(const Half* g, float* const* rows, std::int64_t n) {
    add_to_nine_all(g, rows, n);
}

MARGINALIA_WIDE void gru_row(const float* __restrict x, const float* __restrict h, const float* __restrict before,
                             std::int64_t n, float* __restrict gates, float* __restrict of_h, float* __restrict after) {
    for (std::int64_t i = 0; i < n; ++i) {
        const float r = logistic(x[i] + h[i]), z = logistic(x[n + i] + h[n + i]), hn = h[2 * n + i];
        const float new_state = 2.0f * logistic(2.0f * (x[2 * n + i] + r * hn)) - 1.0f;
        gates[i] = r;
        gates[n + i] = z;
        gates[2 * n + i] = new_state;
        of_h[i] = hn;
        after[i] = new_state + z * (before[i] - new_state);
    }
}

MARGINALIA_WIDE void gru_row_back(const float* __restrict gates, const float* __restrict hn,
                                  const float* __restrict before, const float* __restrict g, std::int64_t n,
                                  float* __restrict carried, float* __restrict of_x, float* __restrict of_h) {
    for (std::int64_t i = 0; i < n; ++i) {
        const float r = gates[i], z = gates[n + i], new_state = gates[2 * n + i], of_state = g[i] + carried[i];
        const float of_new = of_state * (1.0f - z) * (1.0f - new_state * new_state);
        const float of_z = of_state * (before[i] - new_state) * z * (1.0f - z);
        const float of_r = of_new * hn[i] * r * (1.0f - r);
        of_x[i] = of_h[i] = of_r;
        of_x[n + i] = of_h[n + i] = of_z;
        of_x[2 * n + i] = of_new;
        of_h[2 * n + i] = of_new * r;
        carried[i] = of_state * z;
    }
}

const Half* halves(const at::BFloat16* values) { return reinterpret_cast<const Half*>(values); }
Half* halves(at::BFloat16* values) { return reinterpret_cast<Half*>(values); }

}  // namespace

void gelu(const float* h, float* to, std::int64_t n) { gelu_float(h, to, n); }
void gelu(const at::BFloat16* h, at::BFloat16* to, std::int64_t n) { gelu_half(halves(h), halves(to), n); }
void gelu_slope(const float* g, const float* h, float* to, std::int64_t n) { gelu_slope_float(g, h, to, n); }
void gelu_slope(const at::BFloat16* g, const at::BFloat16* h, at::BFloat16* to, std::int64_t n) {
    gelu_slope_half(halves(g), halves(h), halves(to), n);
}
void softmax_rows(float* values, std::int64_t rows, std::int64_t n, float scale) {
    softmax_float(values, rows, n, scale);
}
void softmax_rows(at::BFloat16* values, std::int64_t rows, std::int64_t n, float scale) {
    softmax_half(halves(values), rows, n, scale);
}
void softmax_rows_back(const float* p, float* g, std::int64_t rows, std::int64_t n, float scale) {
    softmax_back_float(p, g, rows, n, scale);
}
void softmax_rows_back(const at::BFloat16* p, at::BFloat16* g, std::int64_t rows, std::int64_t n, float scale) {
    softmax_back_half(halves(p), halves(g), rows, n, scale);
}

void activate(const float* h, float* to, std::int64_t n) { activate_float(h, to, n); }
void activate(const at::BFloat16* h, at::BFloat16* to, std::int64_t n) { activate_half(halves(h), halves(to), n); }

void add_activate(const float* h, const float* c, float* sum, float* to, std::int64_t n) {
    add_activate_float(h, c, sum, to, n);
}
void add_activate(const at::BFloat16* h, const at::BFloat16* c, at::BFloat16* sum, at::BFloat16* to, std::int64_t n) {
    add_activate_half(halves(h), halves(c), halves(sum), halves(to), n);
}

void add(const float* h, const float* c, float* sum, std::int64_t n) { add_float(h, c, sum, n); }
void add(const at::BFloat16* h, const at::BFloat16* c, at::BFloat16* sum, std::int64_t n) {
    add_half(halves(h), halves(c), halves(sum), n);
}

void activation_slope(const float* a, const float* h, float* to, std::int64_t n) { slope_float(a, h, to, n); }
void activation_slope(const at::BFloat16* a, const at::BFloat16* h, at::BFloat16* to, std::int64_t n) {
    slope_half(halves(a), halves(h), halves(to), n);
}
void add_activation_slope(const float* g, const float* a, const float* h, float* to, std::int64_t n) {
    add_slope_float(g, a, h, to, n);
}
void add_activation_slope(const at::BFloat16* g, const at::BFloat16* a, const at::BFloat16* h, at::BFloat16* to,
                          std::int64_t n) {
    add_slope_half(halves(g), halves(a), halves(h), halves(to), n);
}

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

void sum_of_nine(const float* start, const float* const* rows, float* to, std::int64_t n) {
    sum_of_nine_float(start, rows, to, n);
}
void sum_of_nine(const float* start, const float* const* rows, at::BFloat16* to, std::int64_t n) {
    sum_of_nine_half(start, rows, halves(to), n);
}
void add_to_nine(const float* g, float* const* rows, std::int64_t n) { add_to_nine_float(g, rows, n); }
void add_to_nine(const at::BFloat16* g, float* const* rows, std::int64_t n) { add_to_nine_half(halves(g), rows, n); }

void gru_step(const float* from_x, const float* from_h, const float* before, std::int64_t rows, std::int64_t n,
              const GruStep& to) {
    for (std::int64_t row = 0; row < rows; ++row)
        gru_row(from_x + 3 * row * n, from_h + 3 * row * n, before + row * n, n, to.gates + 3 * row * n,
                to.of_h + row * n, to.state + row * n);
}

void gru_step_back(const GruStep& step, const float* g, std::int64_t rows, std::int64_t n, float* carried, float* of_x,
                   float* of_h) {
    for (std::int64_t row = 0; row < rows; ++row)
        gru_row_back(step.gates + 3 * row * n, step.of_h + row * n, step.state + row * n, g + row * n, n,
                     carried + row * n, of_x + 3 * row * n, of_h + 3 * row * n);
}

}  // namespace marginalia::operators
