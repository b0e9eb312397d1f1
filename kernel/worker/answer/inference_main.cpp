#include "kernel/worker/answer/inference_main.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "kernel/base/printable.h"
#include "kernel/wire/protocol.h"
#include "kernel/worker/answer/inference.h"
#include "kernel/worker/machine/cuda.h"
#include "kernel/worker/machine/runtime.h"
#include "kernel/worker/plugins/plugin_host.h"

namespace marginalia {
namespace {

// Of a file in memory, which gives back what has been read: a checkpoint is not to be there twice.
std::string contents_of(int descriptor) {
    constexpr std::size_t piece = 4 << 20;
    struct stat found{};
    if (::fstat(descriptor, &found) != 0) throw Error("what the host hands over cannot be read");
    std::string bytes(static_cast<std::size_t>(found.st_size), '\0');
    for (std::size_t at = 0; at < bytes.size();) {
        const ssize_t got = ::read(descriptor, bytes.data() + at, std::min(piece, bytes.size() - at));
        if (got <= 0) throw Error("what the host hands over cannot be read");
        ::fallocate(descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(at), got);
        at += static_cast<std::size_t>(got);
    }
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

int inference_main(int descriptor, const StandardOutput& output) {
    try {
        auto request = nlohmann::json::from_cbor(contents_of(descriptor)).get<InferenceRequest>();
        if (request.checkpoint_descriptor >= 0) request.trial.checkpoint = contents_of(request.checkpoint_descriptor);
        configure_torch(request.trial.threads);
        check_device(request.trial.device);
        const PluginHost plugins({request.plugin_files.begin(), request.plugin_files.end()});
        if (!plugins.catalogue().failures.empty()) {
            const PluginFailure& failure = plugins.catalogue().failures.front();
            throw Error(failure.path + ": " + failure.reason);
        }
        infer(request, plugins, std::cout);
        return 0;
    } catch (const std::exception& error) {
        if (output.failed()) return exit_unwritten;  // finish() says why
        std::cout.flush();
        std::cerr << "marginalia: " << printable_lines(sentence_of(error)) << '\n';
        return dynamic_cast<const WriteError*>(&error) != nullptr ? exit_unwritten : 2;
    }
}

}  // namespace marginalia
