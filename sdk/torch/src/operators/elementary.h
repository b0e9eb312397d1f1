// Values as the loops of arithmetic.cpp and norm_arithmetic.cpp read and write them, and functions of one of them.
#pragma once

#include <ATen/ATen.h>

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

const Half* halves(const at::BFloat16* values) { return reinterpret_cast<const Half*>(values); }
Half* halves(at::BFloat16* values) { return reinterpret_cast<Half*>(values); }

}  // namespace
}  // namespace marginalia::operators
