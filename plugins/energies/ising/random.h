// Random numbers that are the same with every standard library.
#pragma once

#include <cstdint>
#include <random>

#include <marginalia/random.h>

namespace ising {

class Random {
public:
    explicit Random(std::uint64_t seed) : engine_(seed) {}

    double uniform() { return marginalia::unit_interval(engine_()); }  // in [0, 1)
    std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(uniform() * limit); }

private:
    std::mt19937_64 engine_;
};

}  // namespace ising
