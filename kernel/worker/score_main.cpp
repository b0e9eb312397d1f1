#include "kernel/worker/score_main.h"

#include <cstdio>
#include <iostream>

#include <unistd.h>

#include "kernel/plugins/plugin_host.h"
#include "kernel/train/runtime.h"
#include "kernel/train/score.h"
#include "kernel/worker/protocol.h"

namespace marginalia {
namespace {

std::string contents_of(int descriptor) {
    std::string bytes;
    char buffer[1 << 16];
    for (ssize_t got; (got = ::read(descriptor, buffer, sizeof buffer)) > 0;) bytes.append(buffer, static_cast<std::size_t>(got));
    ::close(descriptor);
    return bytes;
}

}  // namespace

int score_main(int descriptor, const std::string& source, const std::vector<std::filesystem::path>& plugin_files) {
    try {
        std::ios::sync_with_stdio(false);
        const TrialRequest request = decode_trial(contents_of(descriptor));
        configure_torch(request.threads);
        const PluginHost plugins(plugin_files);
        if (!plugins.catalogue().failures.empty()) {
            const PluginFailure& failure = plugins.catalogue().failures.front();
            throw Error(failure.path + ": " + failure.reason);
        }
        score(request, plugins, source, std::cout);
        return std::cout.flush() ? 0 : 2;
    } catch (const std::exception& error) {
        std::cout.flush();
        std::fprintf(stderr, "marginalia: %s\n", error.what());
        return 2;
    }
}

}  // namespace marginalia
