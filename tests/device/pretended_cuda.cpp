// The pretended GPU as LibTorch's CUDA half: beside libtorch_cpu.so under the name libtorch_cuda.so, a worker that
// finds a (pretended) driver opens it and trains on it.
#include "tests/device/pretended_device.h"

namespace {
[[maybe_unused]] const at::Device there = marginalia::pretended::device();
}
