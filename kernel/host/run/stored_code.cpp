#include "kernel/host/run/stored_code.h"

#include <marginalia/error.h>

#include <algorithm>
#include <functional>
#include <set>

#include "kernel/host/run/plugin_folders.h"
#include "kernel/host/run/user_key.h"

namespace marginalia {
namespace {

namespace fs = std::filesystem;

// Links followed, so that one that leads elsewhere later is another path.
std::string whole(const fs::path& path) {
    std::error_code none;
    const fs::path canonical = fs::weakly_canonical(fs::absolute(path, none), none);
    return (none ? path.lexically_normal() : canonical).string();
}

void for_scripts(const nlohmann::json& config, const PluginCatalogue& plugins,
                 const std::function<void(const PluginManifest&, const std::string&)>& visit) {
    for (const auto& [name, table] : plugins_in(config)) {
        const PluginManifest* plugin = plugins.find(kind_of_table(name), table.plugin);
        if (!plugin) continue;
        for (const ParameterSpec& parameter : plugin->parameters)
            if (const auto value = table.parameters.find(parameter.name); parameter.type == ParameterType::script &&
                                                                          value != table.parameters.end() &&
                                                                          value->is_string() && *value != "")
                visit(*plugin, value->get<std::string>());
    }
}

// Beside absolute paths, which begin with a '/'.
std::vector<std::string> hook_entries(const HookSettings& hooks) {
    std::vector<std::string> entries;
    for (const std::string& command : {hooks.finish, hooks.fail, hooks.sweep_end})
        if (!command.empty()) entries.push_back("hook " + command);
    return entries;
}

std::string sealed_text(const nlohmann::json& paths) {
    return "code of a sweep: " + paths.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

}  // namespace

nlohmann::json sealed_code(const Experiment& experiment, const PluginCatalogue& plugins, std::string& problem) {
    std::set<std::string> paths;
    for (const std::string& folder : plugin_folders_of(experiment.toml, experiment.file, {}))
        paths.insert(whole(folder));
    for (const TrialConfig& trial : experiment.trials)
        for_scripts(trial.config, plugins,
                    [&](const PluginManifest&, const std::string& file) { paths.insert(whole(file)); });
    for (const std::string& command : hook_entries(experiment.hooks)) paths.insert(command);
    const bool has_code = !paths.empty();
    paths.insert(whole(experiment.file));
    try {
        const nlohmann::json list(paths);
        return {{"paths", list}, {"seal", seal_of(make_user_key(), sealed_text(list))}};
    } catch (const Error& error) {
        if (has_code) problem = error.what();
        return nullptr;
    }
}

StoredCode::StoredCode(const store::Sweep& sweep, bool all) : sweep_(sweep), all_(all) {
    const nlohmann::json record = nlohmann::json::parse(sweep.provenance, nullptr, false);
    const std::string key = user_key();
    if (key.empty() || !record.is_object() || !record.contains("code") || !record["code"].is_object()) return;
    const nlohmann::json paths = record["code"].value("paths", nlohmann::json());
    const bool texts =
        paths.is_array() && std::ranges::all_of(paths, [](const nlohmann::json& path) { return path.is_string(); });
    const nlohmann::json seal = record["code"].value("seal", nlohmann::json());
    if (texts && seal == seal_of(key, sealed_text(paths))) paths_ = paths;
}

bool StoredCode::covers(const fs::path& path) const {
    return all_ || std::ranges::find(paths_, whole(path)) != paths_.end();
}

bool StoredCode::covers_hooks(const HookSettings& hooks) const {
    return all_ || std::ranges::all_of(hook_entries(hooks), [this](const std::string& entry) {
               return std::ranges::find(paths_, entry) != paths_.end();
           });
}

std::vector<fs::path> StoredCode::plugin_folders(const std::vector<std::string>& given,
                                                 std::vector<std::string>& left_out) const {
    std::vector<std::string> stored;
    for (const std::string& folder : plugin_folders_of(sweep_.toml, sweep_.file, {})) {
        const bool named =
            std::ranges::any_of(given, [&](const std::string& one) { return whole(one) == whole(folder); });
        (named || covers(folder) ? stored : left_out).push_back(folder);
    }
    return marginalia::plugin_folders(given, stored);
}

std::vector<fs::path> StoredCode::plugin_folders(const std::vector<std::string>& given) const {
    std::vector<std::string> left_out;
    std::vector<fs::path> folders = plugin_folders(given, left_out);
    if (!left_out.empty() && given.empty())
        throw Error("the store names the plugin folder " + left_out[0] +
                    ", and it was not made by you on this machine, so nothing "
                    "there is loaded; if you trust it, give --plugin-path " +
                    left_out[0] + " (or --trust, for all that the store names)");
    return folders;
}

void StoredCode::require_scripts(const nlohmann::json& config, const PluginCatalogue& plugins) const {
    for_scripts(config, plugins, [&](const PluginManifest& plugin, const std::string& file) {
        if (!covers(file))
            throw Error("the store has " + plugin.kind + " '" + plugin.name + "' run the code in " + file +
                        ", and it was not made by you on this machine, so nothing of it is run; if you trust that "
                        "file, give --trust");
    });
}

}  // namespace marginalia
