// Which tables and keys there are, and where a key that is in the wrong place belongs.
#include <algorithm>

#include "kernel/spec/nearest.h"
#include "kernel/spec/section.h"
#include "kernel/spec/settings.h"
#include "kernel/spec/stop_settings.h"

namespace marginalia::config {
namespace {

std::string home_of(const std::string& key, const std::string& table) {
    if (key == "name" || key == "extends" || key == "description" || key == "seeds")
        return "at the top of the file, above the first [table]";
    for (const std::string& other : kernel_tables())
        if (other != table && find_parameter(kernel_parameters(other), key)) return "in [" + other + "]";
    return "";
}

}  // namespace

const std::vector<std::string>& plugin_tables() {
    static const std::vector<std::string> names = {"energy", "dataset", "network", "sampler", "reference", "objective"};
    return names;
}

const std::vector<std::string>& kernel_tables() {
    static const std::vector<std::string> names = {"train",     "evaluation",    "run",  "stop",
                                                   hooks_table, resources_table, "slurm"};
    return names;
}

const std::vector<std::string>& swept_tables() {
    static const std::vector<std::string> names = [] {
        std::vector<std::string> tables = plugin_tables();
        tables.insert(tables.end(), {"train", "evaluation", resources_table});
        return tables;
    }();
    return names;
}

bool is_optional_table(std::string_view name) { return name == "sampler" || name == "reference"; }

bool is_plugin_table(std::string_view name) { return contains(plugin_tables(), name); }

bool is_kernel_table(std::string_view name) { return contains(kernel_tables(), name); }

bool is_about_running(std::string_view name) {
    return name == "run" || name == "stop" || name == hooks_table || name == "slurm";
}

const std::vector<ParameterSpec>& kernel_parameters(std::string_view table) {
    if (table == "train") return train_parameters();
    if (table == "run") return run_parameters();
    if (table == "stop") return stop_parameters();
    if (table == "slurm") return slurm_parameters();
    if (table == hooks_table) return hook_parameters();
    return table == resources_table ? resource_parameters() : evaluation_parameters();
}

const ParameterSpec* find_parameter(const std::vector<ParameterSpec>& declared, std::string_view name) {
    const auto found =
        std::find_if(declared.begin(), declared.end(), [&](const ParameterSpec& p) { return p.name == name; });
    return found == declared.end() ? nullptr : &*found;
}

std::string unknown_key(const std::string& key, const std::string& table, const std::vector<std::string>& allowed,
                        const std::string& label) {
    const std::string start = "unknown key '" + key + "' in [" + table + "]";
    const std::string home = home_of(key, table);
    return home.empty() ? start + suggestion(key, allowed, label) : start + "; it belongs " + home;
}

std::vector<std::string> names_of(const std::vector<ParameterSpec>& declared) {
    std::vector<std::string> names;
    for (const ParameterSpec& spec : declared) names.push_back(spec.name);
    return names;
}

std::vector<std::string> plugin_names(const PluginCatalogue& catalogue, std::string_view kind) {
    std::vector<std::string> names;
    for (const PluginManifest& plugin : catalogue.plugins)
        if (plugin.kind == kind) names.push_back(plugin.name);
    return names;
}

}  // namespace marginalia::config
