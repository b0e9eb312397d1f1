#include "kernel/worker/machine/cuda_arithmetic.h"

#include <ATen/Context.h>

namespace marginalia {

CudaArithmetic::CudaArithmetic(bool on, bool tf32, bool deterministic)
    : on_(on), tf32_(tf32), deterministic_(deterministic), before_(now()) {
    if (!on_) return;
    set({.products_tf32 = tf32,
         .convolutions_tf32 = tf32,
         .timed = !deterministic,
         .cudnn_deterministic = deterministic,
         .deterministic = deterministic,
         .warn_only = deterministic,
         .filled = false});
}

CudaArithmetic::CudaArithmetic(const TrainSettings& train, const at::Device& device)
    : CudaArithmetic(device.is_cuda(), train.precision == "tf32", train.deterministic) {}

CudaArithmetic::~CudaArithmetic() {
    if (on_) set(before_);
}

std::string CudaArithmetic::text() const {
    if (!on_) return {};
    return std::string(tf32_ ? "TF32" : "float32") +
           (deterministic_ ? "; deterministic algorithms" : "; cuDNN's algorithms by timing");
}

CudaArithmetic::Settings CudaArithmetic::now() {
    const at::Context& context = at::globalContext();
    return {.products_tf32 = context.allowTF32CuBLAS(),
            .convolutions_tf32 = context.allowTF32CuDNN(),
            .timed = context.benchmarkCuDNN(),
            .cudnn_deterministic = context.deterministicCuDNN(),
            .deterministic = context.deterministicAlgorithms(),
            .warn_only = context.deterministicAlgorithmsWarnOnly(),
            .filled = context.deterministicFillUninitializedMemory()};
}

void CudaArithmetic::set(const Settings& settings) {
    at::Context& context = at::globalContext();
    context.setAllowTF32CuBLAS(settings.products_tf32);
    context.setAllowTF32CuDNN(settings.convolutions_tf32);
    context.setBenchmarkCuDNN(settings.timed);
    context.setDeterministicCuDNN(settings.cudnn_deterministic);
    context.setDeterministicAlgorithms(settings.deterministic, settings.warn_only);
    context.setDeterministicFillUninitializedMemory(settings.filled);
}

}  // namespace marginalia
