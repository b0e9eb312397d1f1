#include "kernel/train/runtime.h"

#include <ATen/Parallel.h>
#include <ATen/Context.h>
#include <oneapi/tbb/global_control.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/version.h>

#include "kernel/train/matrix_products.h"

namespace marginalia {

void configure_torch(int threads) {
    at::set_num_threads(threads);
    // Never destroyed: the limit holds as long as the process.
    new oneapi::tbb::global_control(oneapi::tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(threads));
    // Profiled graphs run differently from call to call; a trial has to give the same bits after a resume.
    torch::jit::getProfilingMode() = false;
    use_fast_matrix_products();
}

std::string torch_version() { return TORCH_VERSION; }

int cuda_device_count() { return at::hasCUDA() ? static_cast<int>(at::getNumGPUs()) : 0; }

}  // namespace marginalia
