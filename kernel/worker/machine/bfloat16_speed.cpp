#include "kernel/worker/machine/bfloat16_speed.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>

#include <marginalia/host.h>

#include "kernel/spec/precision.h"
#include "kernel/worker/machine/autocast.h"
#include "kernel/worker/machine/cuda.h"

namespace marginalia {

namespace {

// Another process on one of the cores makes threads wait for each other, and in bfloat16, whose products are short, up
// to twenty times as long. The least of several tries is that of a quiet moment, if there is one.
constexpr int least_tries = 3, most_tries = 20;
constexpr double enough_seconds = 3;

double seconds_of_passes(const Network& network, const at::Tensor& states, bool bfloat16) {
    const auto start = std::chrono::steady_clock::now();
    {
        const Autocast autocast(bfloat16, states.device().type());
        const at::Tensor sum = network.conditional_logits(states).sum();
        sum.backward();
        to_host(sum + 0);  // a GPU is done by then with all that it was given
    }
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    for (at::Tensor parameter : network.parameters()) parameter.mutable_grad().reset();
    return taken.count();
}

}  // namespace

bool has_bfloat16(const at::Device& device) {
    if (device.is_cpu()) return processor_has_bfloat16();
    const auto& gpus = open_cuda().gpus;
    const auto index = static_cast<std::size_t>(std::max<int>(device.index(), 0));
    return index < gpus.size() && gpus[index].compute >= 80;
}

double bfloat16_speed(const Network& network, std::int64_t rows, const at::Device& device) {
    if (!has_bfloat16(device)) return 0;
    const at::Tensor states = at::full({rows, network.domain().sites}, network.domain().categories,
                                       at::TensorOptions(at::kLong).device(device));
    double full = 1e9, half = 1e9, all = 0;
    for (int i = 0; i <= least_tries || (i <= most_tries && all < enough_seconds); ++i) {
        const double a = seconds_of_passes(network, states, false), b = seconds_of_passes(network, states, true);
        all += a + b;
        if (i == 0) continue;  // LibTorch prepares the network
        full = std::min(full, a);
        half = std::min(half, b);
    }
    return full / half;
}

}  // namespace marginalia
