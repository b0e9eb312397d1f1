#include "kernel/host/run/provenance.h"

#include <fstream>
#include <set>

#include <sqlite3.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "kernel/base/child_process.h"
#include "kernel/base/digest.h"
#include "kernel/host/run/processors.h"

namespace marginalia {
namespace {

std::string trimmed(std::string text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
    return text;
}

nlohmann::json git_state(const std::filesystem::path& folder) {
    const auto git = [&](std::vector<std::string> words) {
        std::vector<std::string> command = {"git", "--no-optional-locks", "-C", folder.string()};
        command.insert(command.end(), words.begin(), words.end());
        return output_of(std::move(command));
    };
    const auto commit = git({"rev-parse", "HEAD"});
    if (!commit) return nullptr;
    const std::string diff = git({"diff", "--no-color", "--no-ext-diff", "HEAD"}).value_or("");
    return {{"commit", trimmed(*commit)}, {"dirty", !diff.empty()}, {"diff", diff}};
}

std::string cpu_model() {
    std::ifstream in("/proc/cpuinfo");
    for (std::string line; std::getline(in, line);)
        if (line.starts_with("model name")) return line.substr(std::min(line.find(':') + 2, line.size()));
    return {};
}

std::string host_name() {
    char name[256] = {};
    return ::gethostname(name, sizeof name - 1) == 0 ? name : "";
}

std::string system_name() {
    utsname names;
    return ::uname(&names) == 0 ? std::string(names.sysname) + " " + names.release + " " + names.machine : "";
}

std::set<std::pair<std::string, std::string>> used_plugins(const Experiment& experiment) {
    std::set<std::pair<std::string, std::string>> used;
    for (const TrialConfig& trial : experiment.trials)
        for (const auto& [name, table] : plugins_in(trial.config)) used.emplace(kind_of_table(name), table.plugin);
    return used;
}

// The files that the trials' parameters of type path name, where they are there.
std::set<std::string> input_files(const Experiment& experiment, const PluginCatalogue& plugins) {
    std::set<std::string> files;
    for (const TrialConfig& trial : experiment.trials)
        for (const auto& [name, table] : plugins_in(trial.config)) {
            const PluginManifest* plugin = plugins.find(kind_of_table(name), table.plugin);
            if (!plugin) continue;
            for (const ParameterSpec& parameter : plugin->parameters)
                if (names_file(parameter.type) && table.parameters.contains(parameter.name) &&
                    std::filesystem::is_regular_file(table.parameters.at(parameter.name).get<std::string>()))
                    files.insert(table.parameters.at(parameter.name).get<std::string>());
        }
    return files;
}

}  // namespace

nlohmann::json surroundings_of(const std::filesystem::path& file) {
    nlohmann::json record = {
        {"host", host_name()}, {"cpu", cpu_model()}, {"cores", available_cores()}, {"system", system_name()}};
    record["versions"] = {
        {"marginalia", MARGINALIA_VERSION}, {"compiler", "g++ " __VERSION__}, {"sqlite", sqlite3_libversion()}};
    if (file.empty()) return record;
    if (auto git = git_state(file.parent_path()); !git.is_null()) record["git"] = std::move(git);
    return record;
}

std::string provenance_of(nlohmann::json record, const Experiment& experiment, const PluginCatalogue& plugins,
                          const std::string& torch_version, const std::vector<std::string>& command_line) {
    record["versions"]["torch"] = torch_version;
    record["command_line"] = command_line;
    record["plugins"] = nlohmann::json::array();
    for (const auto& [kind, name] : used_plugins(experiment))
        if (const PluginManifest* plugin = plugins.find(kind, name))
            record["plugins"].push_back({{"kind", kind},
                                         {"name", name},
                                         {"path", plugin->path},
                                         {"sha256", plugin->sha256},
                                         {"build_tag", plugin->build_tag}});
    record["inputs"] = nlohmann::json::array();
    for (const std::string& file : input_files(experiment, plugins))
        record["inputs"].push_back({{"path", file}, {"sha256", sha256_of_file(file)}});
    return record.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace marginalia
