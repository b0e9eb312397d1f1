// How fast a network's passes in bfloat16 are on the device that it is on.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>

#include <marginalia/network.h>

namespace marginalia {

// Whether the device has products of bfloat16 in hardware: the processor by processor_has_bfloat16(), a GPU from
// compute capability 8.0 on.
bool has_bfloat16(const at::Device& device);

// Times the conditionals of `rows` states, forward and backward, in bfloat16 and in float32, on the threads that
// LibTorch uses here: how many times faster bfloat16 is, the best of three passes each, after one each that does not
// count. 0 where has_bfloat16() is false. Having the instructions is not enough: some processors run them at half the
// speed of float32, and small layers cost more in casts than their products gain. Leaves no gradients and draws no
// random numbers.
double bfloat16_speed(const Network& network, std::int64_t rows, const at::Device& device);

}  // namespace marginalia
