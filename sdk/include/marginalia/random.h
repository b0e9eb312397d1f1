// Random numbers that are the same on every platform and with every standard library. Standard library; all of it here,
// to be inlined. Threads: a generator belongs to one.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace marginalia {

// A number in [0, 1), from the upper 53 of 64 random bits.
constexpr double unit_interval(std::uint64_t bits) { return static_cast<double>(bits >> 11) * 0x1p-53; }

// SplitMix64 (G. L. Steele, D. Lea, C. H. Flood, Fast splittable pseudorandom number generators, OOPSLA 2014): the
// output for a state that grows by golden_step each time.
constexpr std::uint64_t golden_step = 0x9e3779b97f4a7c15u;
constexpr std::uint64_t mixed_bits(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

// xoshiro256++ (D. Blackman, S. Vigna, Scrambled linear pseudorandom number generators, ACM TOMS 47, 2021), seeded by
// SplitMix64. Give every chain a stream of its own. words() is all of it, for a checkpoint.
class FastRandom {
public:
    using Words = std::array<std::uint64_t, 4>;

    // Streams of one seed never start alike.
    explicit FastRandom(std::uint64_t seed, std::uint64_t stream = 0) {
        std::uint64_t state = mixed_bits(mixed_bits(seed) + stream);
        for (std::uint64_t& word : words_) word = mixed_bits(state += golden_step);
    }
    explicit FastRandom(const Words& words) : words_(words) {}

    const Words& words() const { return words_; }

    std::uint64_t bits() {
        auto& [a, b, c, d] = words_;
        const std::uint64_t result = std::rotl(a + d, 23) + a, shifted = b << 17;
        c ^= a;
        d ^= b;
        b ^= c;
        a ^= d;
        c ^= shifted;
        d = std::rotl(d, 45);
        return result;
    }

    double uniform() { return unit_interval(bits()); }  // in [0, 1)

    // 0..limit - 1, limit >= 1; no value is likelier than another by more than limit / 2^53.
    std::uint64_t below(std::uint64_t limit) {
        return static_cast<std::uint64_t>(uniform() * static_cast<double>(limit));
    }

private:
    Words words_;
};

}  // namespace marginalia
