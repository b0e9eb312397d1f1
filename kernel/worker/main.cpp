// marginalia-worker: runs trials for the host program, in a process that a plugin may crash.
//   marginalia-worker --check FILE [WORD...]              checks one plugin instead, see kernel/conformance/check.h
//   marginalia-worker --infer DESCRIPTOR                  answers about states instead, see inference_main.h
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>

#include "kernel/conformance/torch/torch_checks.h"
#include "kernel/train/cuda.h"
#include "kernel/train/runtime.h"
#include "kernel/worker/inference_main.h"
#include "kernel/worker/worker.h"

int main(int argc, char** argv) {
    using namespace marginalia;
    try {
        if (argc > 2 && std::string_view(argv[1]) == "--check") {
            configure_torch(1);
            return check_plugin_main(argv[2], {argv + 3, argv + argc}, torch_checks());
        }
        if (argc > 2 && std::string_view(argv[1]) == "--infer") return inference_main(std::stoi(argv[2]));
        prepare_worker_process();
        const WorkerArguments arguments = parse_worker_arguments(argc, argv);
        configure_torch(arguments.threads);
        start_thread_pools();
        serve(arguments, {run_trial, open_cuda(), torch_settings});
    } catch (const std::exception& error) {
        std::fprintf(stderr, "marginalia-worker: %s\n", error.what());
        return 2;
    }
}
