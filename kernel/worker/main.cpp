// marginalia-worker: runs trials for the host program, in a process that a plugin may crash.
//   marginalia-worker --check FILE [--device=cuda] [WORD...]  checks one plugin instead, see
//   kernel/worker/check/check.h marginalia-worker --describe FILE JSON                says what a dataset reads
//   instead, see describe_main.h marginalia-worker --infer DESCRIPTOR                  answers about states instead,
//   see inference_main.h
#include <c10/core/Device.h>
#include <marginalia/error.h>

#include <cstdio>
#include <exception>
#include <iostream>
#include <string>
#include <string_view>
#include <utility>

#include "kernel/base/printable.h"
#include "kernel/base/standard_output.h"
#include "kernel/worker/answer/describe_main.h"
#include "kernel/worker/answer/inference_main.h"
#include "kernel/worker/check/torch/torch_checks.h"
#include "kernel/worker/machine/cuda.h"
#include "kernel/worker/machine/runtime.h"
#include "kernel/worker/worker.h"

namespace {

// The device that samplers and objectives are tried on.
at::Device check_device(std::string_view name) {
    if (name == "cpu") return at::kCPU;
    if (marginalia::open_cuda().cuda_devices == 0)
        throw marginalia::Error("no GPU can be used here, and --device asks for one; see `marginalia doctor`");
    return {at::kCUDA, 0};
}

int check(int argc, char** argv, const marginalia::StandardOutput& output) {
    constexpr std::string_view asked = "--device=";
    try {
        marginalia::configure_torch(1);
        const bool named = argc > 3 && std::string_view(argv[3]).starts_with(asked);
        const at::Device device = check_device(named ? argv[3] + asked.size() : "cpu");
        return marginalia::check_plugin_main(argv[2], {argv + (named ? 4 : 3), argv + argc},
                                             marginalia::torch_checks(device));
    } catch (const std::exception& error) {
        if (!output.failed()) std::cerr << "marginalia: " << marginalia::printable_lines(error.what()) << '\n';
        return 2;
    }
}

}  // namespace

int main(int argc, char** argv) {
    using namespace marginalia;
    try {
        const std::string_view what = argc > 2 ? argv[1] : "";
        if (what == "--check" || what == "--infer") {
            std::ios::sync_with_stdio(false);
            StandardOutput output;
            return output.finish(
                what == "--check" ? check(argc, argv, output) : inference_main(std::stoi(argv[2]), output),
                "marginalia");
        }
        if (argc == 4 && what == "--describe") return describe_main(argv[2], argv[3]);
        prepare_worker_process();
        const WorkerArguments arguments = parse_worker_arguments(argc, argv);
        configure_torch(arguments.threads);
        start_thread_pools();
        const auto run = [](TrialRequest request, const PluginHost& plugins, Recorder& recorder) {
            return (request.evaluate ? evaluate_trial : run_trial)(std::move(request), plugins, recorder);
        };
        serve(arguments, {run, open_cuda(), torch_settings});
    } catch (const std::exception& error) {
        std::fprintf(stderr, "marginalia-worker: %s\n", error.what());
        return 2;
    }
}
