#include "kernel/spec/plugin_choice.h"

#include <algorithm>
#include <filesystem>

#include "kernel/spec/nearest.h"
#include "kernel/spec/section.h"

namespace marginalia::config {
namespace {

std::string with_article(const std::string& kind) {
    return (std::string("aeiou").find(kind.front()) == std::string::npos ? "a " : "an ") + kind;
}

std::string fault_of(const std::string& kind, const std::string& name, const PluginCatalogue& catalogue) {
    const std::vector<std::string> same_kind = plugin_names(catalogue, kind);
    for (const PluginFailure& failure : catalogue.failures)
        if (std::filesystem::path(failure.path).stem() == name)
            return "the plugin '" + name + "' was refused: " + failure.reason;
    for (const PluginManifest& plugin : catalogue.plugins)
        if (plugin.name == name)
            return "'" + name + "' is " + with_article(plugin.kind) + " plugin, not " + with_article(kind) + ". The " +
                   kind + " plugins: " + listed(same_kind);
    for (const PluginFailure& failure : catalogue.failures)
        if (failure.reason == no_such_folder)
            return "unknown " + kind + " plugin '" + name + "', and there is no plugin folder " + failure.path +
                   "; build the plugin, or mend run.plugin_path, --plugin-path or MARGINALIA_PLUGIN_PATH";
    if (same_kind.empty())
        return "unknown " + kind + " plugin '" + name + "': no " + kind +
               " plugin was found at all; check --plugin-path and MARGINALIA_PLUGIN_PATH";
    return "unknown " + kind + " plugin '" + name + "'" + suggestion(name, same_kind, "The " + kind + " plugins");
}

}  // namespace

const PluginManifest* choose_plugin(const std::string& table, const Node& name, const PluginCatalogue& catalogue,
                                    Faults& faults) {
    const std::string kind = kind_of_table(table);
    if (name.kind != Node::Kind::text) {
        faults.add(name.place, "'" + table + ".plugin' must be the name of a plugin in quotes, not " + described(name) +
                                   ". The " + kind + " plugins: " + listed(plugin_names(catalogue, kind)));
        return nullptr;
    }
    const auto text = name.scalar.get<std::string>();
    if (const PluginManifest* found = catalogue.find(kind, text)) return found;
    faults.add_plugin(name.place, fault_of(kind, text, catalogue));
    return nullptr;
}

}  // namespace marginalia::config
