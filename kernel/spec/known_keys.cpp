#include "kernel/spec/known_keys.h"

#include <algorithm>

#include "kernel/spec/file_text.h"
#include "kernel/spec/nearest.h"
#include "kernel/spec/overrides.h"
#include "kernel/spec/read_root.h"
#include "kernel/spec/section.h"

namespace marginalia {
namespace config {
namespace {

Node root_of(const std::filesystem::path& file, const PluginCatalogue& plugins) {
    try {
        Faults faults(file.string(), {});
        if (!file.empty()) return read_root(file_text(file), file, {}, plugins, faults);
    } catch (const Error&) {
    }
    return make_table("", {});
}

ParameterSpec plugin_key(const std::string& table, const PluginCatalogue& plugins) {
    ParameterSpec spec;
    spec.name = "plugin";
    spec.required = true;
    spec.choices = plugin_names(plugins, kind_of_table(table));
    if (is_optional_table(table)) spec.choices.push_back(no_plugin);
    spec.help = "the " + kind_of_table(table) + " plugin";
    return spec;
}

void add(std::vector<KnownKey>& keys, const std::string& table, const std::vector<ParameterSpec>& declared) {
    for (const ParameterSpec& spec : declared) {
        const std::string key = table + "." + spec.name;
        if (std::ranges::find(keys, key, &KnownKey::key) == keys.end()) keys.push_back({key, spec});
    }
}

}  // namespace
}  // namespace config

std::vector<KnownKey> known_keys(const std::filesystem::path& file, const PluginCatalogue& plugins) {
    using namespace config;
    const Node root = root_of(file, plugins);
    const bool any = root.children.empty();
    std::vector<KnownKey> keys;
    for (const std::string& table : kernel_tables()) add(keys, table, kernel_parameters(table));
    for (const std::string& table : plugin_tables()) {
        if (!any && !root.find(table)) continue;
        add(keys, table, {plugin_key(table, plugins)});
        const std::vector<std::string> tried = plugins_tried(root, table);
        for (const PluginManifest& plugin : plugins.plugins) {
            if (plugin.kind != kind_of_table(table) || !(any || contains(tried, plugin.name))) continue;
            add(keys, table, plugin.parameters);
            if (tried.size() > 1) add(keys, table + "." + plugin.name, plugin.parameters);
        }
    }
    return keys;
}

}  // namespace marginalia
