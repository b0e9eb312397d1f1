// How fast a network's passes in bfloat16 are on this processor.
#pragma once

#include <cstdint>

#include <marginalia/network.h>

namespace marginalia {

// Times the conditionals of `rows` states, forward and backward, in bfloat16 and in float32, on the threads that
// LibTorch uses here: how many times faster bfloat16 is, the best of three passes each, after one each that does not
// count. 0 where processor_has_bfloat16() is false. Having the instructions is not enough: some processors run them at
// half the speed of float32, and small layers cost more in casts than their products gain. Leaves no gradients and
// draws no random numbers.
double bfloat16_speed(const Network& network, std::int64_t rows);

}  // namespace marginalia
