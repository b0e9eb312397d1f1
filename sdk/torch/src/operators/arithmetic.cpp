// Compiled for wider vectors, and so that the compiler makes vectors of these loops (CMakeLists.txt).
#include "arithmetic.h"
#include "elementary.h"

namespace marginalia::operators {
namespace {

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
