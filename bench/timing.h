// How the benchmarks measure.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <vector>

namespace marginalia {

// Wall-clock seconds of one call.
inline double seconds(const std::function<void()>& body) {
    const auto start = std::chrono::steady_clock::now();
    body();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Of values that are not empty.
inline double median(std::vector<double> values) {
    std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
    return values[values.size() / 2];
}

}  // namespace marginalia
