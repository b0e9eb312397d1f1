// marginalia-worker: runs trials for the host program, in a process that a plugin may crash.
//   marginalia-worker --check FILE [WORD...]   checks one plugin instead, see kernel/conformance/check.h
#include <cstdio>
#include <exception>
#include <string_view>

#include "kernel/conformance/check.h"
#include "kernel/train/runtime.h"
#include "kernel/worker/worker.h"

int main(int argc, char** argv) {
    using namespace marginalia;
    try {
        if (argc > 2 && std::string_view(argv[1]) == "--check") {
            configure_torch(1);
            return check_plugin_main(argv[2], {argv + 3, argv + argc});
        }
        prepare_worker_process();
        const WorkerArguments arguments = parse_worker_arguments(argc, argv);
        configure_torch(arguments.threads);
        serve(arguments, {run_trial, cuda_device_count, torch_version()});
    } catch (const std::exception& error) {
        std::fprintf(stderr, "marginalia-worker: %s\n", error.what());
        return 2;
    }
}
