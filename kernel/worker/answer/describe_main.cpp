#include "kernel/worker/answer/describe_main.h"

#include <marginalia/dataset.h>
#include <marginalia/files.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <memory>

#include "kernel/spec/experiment.h"
#include "kernel/worker/model/facts.h"
#include "kernel/worker/plugins/plugin_host.h"

namespace marginalia {
namespace {

constexpr unsigned most_seconds = 120;
constexpr std::size_t most_bytes = 2000;

std::string description(const std::string& plugin_file, const std::string& text) {
    const PluginTable table = nlohmann::json::parse(text);
    const PluginHost plugins({plugin_file});
    const auto make = reinterpret_cast<DatasetFactory>(plugins.factory("dataset", table.plugin));
    const std::unique_ptr<Dataset> dataset(
        make(params_of(table.parameters, plugins.manifest("dataset", table.plugin).parameters), nullptr));
    return facts_of(*dataset);
}

}  // namespace

int describe_main(const std::string& plugin_file, const std::string& table) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::alarm(most_seconds);
    std::string line;
    try {
        line = description(plugin_file, table);
    } catch (const std::exception& error) {
        line = std::string("cannot be read: ") + error.what();
    }
    std::printf("\n%s\n", visible(line, most_bytes).c_str());  // the last line, whatever the plugin prints
    return std::fflush(stdout) == 0 ? 0 : 2;
}

}  // namespace marginalia
