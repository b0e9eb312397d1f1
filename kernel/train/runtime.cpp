#include "kernel/train/runtime.h"

#include <ATen/Parallel.h>
#include <marginalia/error.h>
#include <oneapi/tbb/global_control.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/version.h>

#include "kernel/train/cuda.h"
#include "kernel/train/matrix_products.h"

namespace marginalia {
namespace {

// A library that was put in the place of the one built with may have other objects behind the same names.
void refuse_another_version(const TorchReport& found) {
    if (found.version != TORCH_VERSION)
        throw Error("this marginalia was built with LibTorch " TORCH_VERSION ", but " + found.library + " is " +
                    found.version + "; build again (`make`), or put " TORCH_VERSION " back");
}

}  // namespace

void configure_torch(int threads) {
    refuse_another_version(open_cuda());
    at::set_num_threads(threads);
    // Never destroyed: the limit holds as long as the process.
    new oneapi::tbb::global_control(oneapi::tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(threads));
    // Profiled graphs run differently from call to call; a trial has to give the same bits after a resume.
    torch::jit::getProfilingMode() = false;
    use_fast_matrix_products();
}

}  // namespace marginalia
