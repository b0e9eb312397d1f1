#include "kernel/worker/inference_main.h"

#include <unistd.h>

#include <cstdio>
#include <iostream>

#include "kernel/plugins/plugin_host.h"
#include "kernel/train/cuda.h"
#include "kernel/train/inference.h"
#include "kernel/train/runtime.h"
#include "kernel/worker/protocol.h"

namespace marginalia {
namespace {

std::string contents_of(int descriptor) {
    std::string bytes;
    char buffer[1 << 16];
    for (ssize_t got; (got = ::read(descriptor, buffer, sizeof buffer)) > 0;)
        bytes.append(buffer, static_cast<std::size_t>(got));
    ::close(descriptor);
    return bytes;
}

void check_device(const std::string& device) {
    const TorchReport& torch = open_cuda();
    for (int i = 0; i < torch.cuda_devices; ++i)
        if (device == "cuda:" + std::to_string(i)) return;
    if (device != "cpu")
        throw Error("--device: there is no '" + device + "' here; LibTorch sees " + std::to_string(torch.cuda_devices) +
                    " CUDA devices" + (torch.problem.empty() ? "" : ", for " + torch.problem) + "; give cpu" +
                    (torch.cuda_devices > 0 ? " or cuda:0" : ""));
}

}  // namespace

int inference_main(int descriptor) {
    try {
        std::ios::sync_with_stdio(false);
        const InferenceRequest request = decode_inference(contents_of(descriptor));
        configure_torch(request.trial.threads);
        check_device(request.trial.device);
        const PluginHost plugins({request.plugin_files.begin(), request.plugin_files.end()});
        if (!plugins.catalogue().failures.empty()) {
            const PluginFailure& failure = plugins.catalogue().failures.front();
            throw Error(failure.path + ": " + failure.reason);
        }
        infer(request, plugins, std::cout);
        return std::cout.flush() ? 0 : 2;
    } catch (const std::exception& error) {
        std::cout.flush();
        std::fprintf(stderr, "marginalia: %s\n", std::string(without_stack(error.what())).c_str());
        return 2;
    }
}

}  // namespace marginalia
