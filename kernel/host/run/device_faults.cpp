#include "kernel/host/run/device_faults.h"

#include <algorithm>
#include <array>

namespace marginalia {
namespace {

constexpr std::array<std::string_view, 9> lost_words = {
    "uncorrectable ECC error",
    "uncorrectable NVLink error",
    "fallen off the bus",
    "GPU is lost",
    "device is lost",
    "no CUDA-capable device is detected",
    "CUDA-capable device(s) is/are busy or unavailable",
    "hardware stack error",
    "system not yet initialized",
};

constexpr std::array<std::string_view, 12> context_words = {
    "an illegal memory access was encountered",
    "unspecified launch failure",
    "misaligned address",
    "an illegal instruction was encountered",
    "invalid program counter",
    "operation not supported on global/shared address space",
    "the launch timed out and was terminated",
    "CUDA error: unknown error",
    "CUDNN_STATUS_EXECUTION_FAILED",
    "CUDNN_STATUS_INTERNAL_ERROR",
    "CUBLAS_STATUS_EXECUTION_FAILED",
    "CUBLAS_STATUS_INTERNAL_ERROR",
};

}  // namespace

DeviceFault device_fault(std::string_view text) {
    const auto says = [&](std::string_view words) { return text.find(words) != text.npos; };
    if (std::any_of(lost_words.begin(), lost_words.end(), says)) return DeviceFault::lost;
    return std::any_of(context_words.begin(), context_words.end(), says) ? DeviceFault::context : DeviceFault::none;
}

}  // namespace marginalia
