// Where the modes of a mixture lie.
#pragma once

#include <cstdint>
#include <vector>

#include "gaussian.h"

namespace gaussian_mixture {

struct Layout {
    std::size_t dimensions, modes;
    double spread, deviation;
    bool random_covariance;
    std::uint64_t seed;
};

// The modes, which are equally likely (gaussian_mixture.cpp has the parameters' meaning).
std::vector<Gaussian> modes_of(const Layout& layout);

}  // namespace gaussian_mixture
