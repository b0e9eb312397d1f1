// marginalia-worker: runs trials for the host program, in a process that a plugin may crash.
//   marginalia-worker --check FILE [WORD...]              checks one plugin instead, see kernel/worker/check/check.h
//   marginalia-worker --describe FILE JSON                says what a dataset reads instead, see describe_main.h
//   marginalia-worker --infer DESCRIPTOR                  answers about states instead, see inference_main.h
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

int check(int argc, char** argv, const marginalia::StandardOutput& output) {
    try {
        marginalia::configure_torch(1);
        return marginalia::check_plugin_main(argv[2], {argv + 3, argv + argc}, marginalia::torch_checks());
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
