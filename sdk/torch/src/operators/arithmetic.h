// Sums and activations of runs of values. bfloat16 is read and rounded here; all arithmetic is float32.
#pragma once

#include <ATen/ATen.h>

namespace marginalia::operators {

// to = silu(h)
void activate(const float* h, float* to, std::int64_t count);
void activate(const at::BFloat16* h, at::BFloat16* to, std::int64_t count);

// sum = h + c; to = silu(sum)
void add_activate(const float* h, const float* c, float* sum, float* to, std::int64_t count);
void add_activate(const at::BFloat16* h, const at::BFloat16* c, at::BFloat16* sum, at::BFloat16* to,
                  std::int64_t count);

// sum = h + c
void add(const float* h, const float* c, float* sum, std::int64_t count);
void add(const at::BFloat16* h, const at::BFloat16* c, at::BFloat16* sum, std::int64_t count);

// to = a silu'(h), and with g: g + a silu'(h)
void activation_slope(const float* a, const float* h, float* to, std::int64_t count);
void activation_slope(const at::BFloat16* a, const at::BFloat16* h, at::BFloat16* to, std::int64_t count);
void add_activation_slope(const float* g, const float* a, const float* h, float* to, std::int64_t count);
void add_activation_slope(const at::BFloat16* g, const at::BFloat16* a, const at::BFloat16* h, at::BFloat16* to,
                          std::int64_t count);

// to = x Φ(x); to = g times its slope at h
void gelu(const float* h, float* to, std::int64_t count);
void gelu(const at::BFloat16* h, at::BFloat16* to, std::int64_t count);
void gelu_slope(const float* g, const float* h, float* to, std::int64_t count);
void gelu_slope(const at::BFloat16* g, const at::BFloat16* h, at::BFloat16* to, std::int64_t count);

// Each of `rows` rows of `count` values becomes the softmax of `scale` times it.
void softmax_rows(float* values, std::int64_t rows, std::int64_t count, float scale);
void softmax_rows(at::BFloat16* values, std::int64_t rows, std::int64_t count, float scale);

// Each row g becomes the gradient of what was there before, p being its softmax.
void softmax_rows_back(const float* p, float* g, std::int64_t rows, std::int64_t count, float scale);
void softmax_rows_back(const at::BFloat16* p, at::BFloat16* g, std::int64_t rows, std::int64_t count, float scale);

// Adds `rows` rows of `count` values to `to`.
void add_rows(const float* from, std::int64_t rows, std::int64_t count, float* to);
void add_rows(const at::BFloat16* from, std::int64_t rows, std::int64_t count, float* to);

// The same, of their silu.
void add_activated_rows(const float* from, std::int64_t rows, std::int64_t count, float* to);
void add_activated_rows(const at::BFloat16* from, std::int64_t rows, std::int64_t count, float* to);

// The same, of their squared distance to `mean` (count).
void add_squared_rows(const float* from, const float* mean, std::int64_t rows, std::int64_t count, float* to);
void add_squared_rows(const at::BFloat16* from, const float* mean, std::int64_t rows, std::int64_t count, float* to);

// A norm for each of `count` channels: y = factor h + offset; `mean` is that of h.
struct NormLine {
    const float *factor, *offset, *mean;
};

// to = silu(factor h + offset), of `rows` rows h.
void scaled_silu(const float* h, const float* factor, const float* offset, std::int64_t rows, std::int64_t count,
                 float* to);
void scaled_silu(const at::BFloat16* h, const float* factor, const float* offset, std::int64_t rows, std::int64_t count,
                 at::BFloat16* to);

// With s = g silu'(y): adds the sums over rows of s and of s (h - mean).
void norm_silu_sums(const float* g, const float* h, const NormLine& line, std::int64_t rows, std::int64_t count,
                    float* sum, float* product);
void norm_silu_sums(const at::BFloat16* g, const at::BFloat16* h, const NormLine& line, std::int64_t rows,
                    std::int64_t count, float* sum, float* product);

// to = factor s - flat - tilted (h - mean)
void norm_silu_back(const float* g, const float* h, const NormLine& line, const float* flat, const float* tilted,
                    std::int64_t rows, std::int64_t count, float* to);
void norm_silu_back(const at::BFloat16* g, const at::BFloat16* h, const NormLine& line, const float* flat,
                    const float* tilted, std::int64_t rows, std::int64_t count, at::BFloat16* to);

// to = g silu'(h), for `rows` rows h of `count` values and one g.
void rows_of_slopes(const float* g, const float* h, std::int64_t rows, std::int64_t count, float* to);
void rows_of_slopes(const float* g, const at::BFloat16* h, std::int64_t rows, std::int64_t count, at::BFloat16* to);

// to = start + the sum of nine rows
void sum_of_nine(const float* start, const float* const* rows, float* to, std::int64_t count);
void sum_of_nine(const float* start, const float* const* rows, at::BFloat16* to, std::int64_t count);

// Adds g to each of nine rows, of which some may be the same.
void add_to_nine(const float* g, float* const* rows, std::int64_t count);
void add_to_nine(const at::BFloat16* g, float* const* rows, std::int64_t count);

// What a step of gated recurrent units leaves for the way back: gates (rows, 3, width) r, z, n; of_h (rows, width),
// h_n; and a state (rows, width), which is that after the step where it is written and that before it where it is read.
struct GruStep {
    float *gates, *of_h, *state;
};

// from_x and from_h (rows, 3, width), before (rows, width).
void gru_step(const float* from_x, const float* from_h, const float* before, std::int64_t rows, std::int64_t width,
              const GruStep& to);

// g (rows, width) is the gradient of the state after the step but for what later steps add, `carried`, which becomes
// what this one adds, without its product. of_x and of_h (rows, 3, width): the gradients of from_x and from_h.
void gru_step_back(const GruStep& step, const float* g, std::int64_t rows, std::int64_t width, float* carried,
                   float* of_x, float* of_h);

}  // namespace marginalia::operators
