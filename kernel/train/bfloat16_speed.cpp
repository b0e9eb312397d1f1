#include "kernel/train/bfloat16_speed.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>

#include "kernel/train/precision.h"

namespace marginalia {

namespace {

constexpr std::int64_t size = 512;
constexpr int tries = 5;

double seconds_of_product(at::ScalarType type) {
    const at::Tensor a = at::ones({size, size}, type);
    at::mm(a, a);
    double best = 1e9;
    for (int i = 0; i < tries; ++i) {
        const auto start = std::chrono::steady_clock::now();
        at::mm(a, a);
        best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
    return best;
}

}  // namespace

double bfloat16_speed() {
    if (!processor_has_bfloat16()) return 0;
    const at::NoGradGuard no_grad;
    return seconds_of_product(at::kFloat) / seconds_of_product(at::kBFloat16);
}

}  // namespace marginalia
