// The seven densities of the plane on which discrete energy-based models are compared.
#pragma once

#include <marginalia/random.h>

#include <string_view>

namespace gray_density {

struct Point {
    double x, y;
};

struct Density {
    std::string_view name;
    double reach;  // |coordinate| of the end of the code's range: 2 and the largest one of 5,000 points
    Point (*draw)(marginalia::FastRandom& random);
};

// Throws Error for a name that is none of them.
const Density& density_named(std::string_view name);

}  // namespace gray_density
