// Random numbers that are the same with every standard library.
#pragma once

#include <cmath>
#include <cstdint>

#include <marginalia/random.h>

namespace factor_graph {

// The generator SplitMix64.
class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed) {}

    std::uint64_t bits() { return marginalia::mixed_bits(state_ += marginalia::golden_step); }
    double uniform() { return marginalia::unit_interval(bits()); }  // in [0, 1)
    bool coin() { return bits() >> 63; }

    // Mean 0, variance 1, by Box and Muller; a whole multiple of 2^-32, so that the last bits of a platform's log and
    // cos do not show.
    double normal() {
        constexpr double two_pi = 6.283185307179586;
        const double radius = std::sqrt(-2 * std::log(1 - uniform()));
        return std::round(radius * std::cos(two_pi * uniform()) * 0x1p32) * 0x1p-32;
    }

private:
    std::uint64_t state_;
};

}  // namespace factor_graph
