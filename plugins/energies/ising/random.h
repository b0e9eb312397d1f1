// Random numbers that are the same with every standard library.
#pragma once

#include <cstdint>
#include <random>

namespace ising {

class Random {
public:
    explicit Random(std::uint64_t seed) : engine_(seed) {}

    double uniform() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }  // in [0, 1)
    std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(uniform() * limit); }

private:
    std::mt19937_64 engine_;
};

}  // namespace ising
