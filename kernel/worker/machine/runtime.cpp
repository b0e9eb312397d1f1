#include "kernel/worker/machine/runtime.h"

#include <ATen/ATen.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <c10/core/AutogradState.h>
#include <c10/core/DefaultDtype.h>
#include <c10/core/GradMode.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <marginalia/error.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/version.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "kernel/worker/machine/cuda.h"
#include "kernel/worker/machine/matrix_products.h"

namespace marginalia {
namespace {

// A library that was put in the place of the one built with may have other objects behind the same names.
void refuse_another_version(const TorchReport& found) {
    if (found.version != TORCH_VERSION)
        throw Error("this marginalia was built with LibTorch " TORCH_VERSION ", but " + found.library + " is " +
                    found.version + "; build again (`make`), or put " TORCH_VERSION " back");
}

// Throws where a plugin has mixed LibTorch's old and new ways to say it.
std::string matrix_precision() {
    try {
        return std::to_string(static_cast<int>(at::globalContext().float32MatmulPrecision()));
    } catch (const std::exception&) {
        return "mixed";
    }
}

}  // namespace

void configure_torch(int threads) {
    refuse_another_version(open_cuda());
    at::set_num_threads(threads);
    // Never destroyed: the limit holds as long as the process.
    new oneapi::tbb::global_control(oneapi::tbb::global_control::max_allowed_parallelism,
                                    static_cast<std::size_t>(threads));
    // Profiled graphs run differently from call to call; a trial has to give the same bits after a resume.
    torch::jit::getProfilingMode() = false;
    use_fast_matrix_products();
}

// A task waits for the others, so that each has a thread; not for ever, as oneTBB promises nothing.
void start_thread_pools() {
    constexpr std::int64_t share_of_a_thread = 32768;  // at::internal::GRAIN_SIZE: less is left to one
    at::ones({share_of_a_thread * at::get_num_threads()}).sqrt_();
    const int threads = oneapi::tbb::this_task_arena::max_concurrency();
    std::atomic<int> here = 0;
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(1);
    const auto meet = [&](int) {
        ++here;
        while (here < threads && std::chrono::steady_clock::now() < until) std::this_thread::yield();
    };
    oneapi::tbb::parallel_for(0, threads, meet, oneapi::tbb::simple_partitioner());
}

std::vector<std::pair<std::string, std::string>> torch_settings() {
    const at::Context& context = at::globalContext();
    const auto local = c10::impl::tls_local_dispatch_key_set();
    std::vector<std::pair<std::string, std::string>> settings;
    const auto add = [&](const char* what, auto... values) {
        std::string text;
        ((text += std::to_string(values) + " "), ...);
        settings.emplace_back(std::string("LibTorch's ") + what, std::move(text));
    };
    add("number of threads", at::get_num_threads(),
        oneapi::tbb::global_control::active_value(oneapi::tbb::global_control::max_allowed_parallelism));
    add("default dtype", static_cast<int>(c10::get_default_dtype_as_scalartype()));
    add("gradient mode", c10::GradMode::is_enabled(), c10::AutogradState::get_tls_state().get_fw_grad_mode());
    add("dispatch of this thread (inference mode, autocast)", local.included_.raw_repr(), local.excluded_.raw_repr());
    add("deterministic algorithms", context.deterministicAlgorithms(), context.deterministicAlgorithmsWarnOnly(),
        context.deterministicFillUninitializedMemory(), context.deterministicCuDNN(), context.benchmarkCuDNN());
    add("choice of libraries", context.userEnabledCuDNN(), context.userEnabledMkldnn(), context.userEnabledNNPACK());
    settings.emplace_back("LibTorch's precision of matrix products", matrix_precision());
    add("TorchScript modes", torch::jit::getProfilingMode().load(), torch::jit::getExecutorMode().load(),
        torch::jit::getGraphExecutorOptimize());
    return settings;
}

}  // namespace marginalia
