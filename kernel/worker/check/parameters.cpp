#include "kernel/worker/check/parameters.h"

#include <marginalia/files.h>

#include <filesystem>
#include <sstream>

#include "kernel/spec/experiment.h"
#include "kernel/spec/extends.h"
#include "kernel/spec/file_text.h"
#include "kernel/spec/overrides.h"
#include "kernel/spec/section.h"

namespace marginalia {
namespace {

constexpr const char* no_file = "parameters.toml";  // stands in messages where no file was given

// Of an experiment file the plugin's own table, of any other file all of it.
config::Node own_table(config::Node file, const PluginManifest& plugin, const std::filesystem::path& path) {
    const config::Node* table = file.find(plugin.kind);
    const config::Node* named = table && table->is_table() ? table->find("plugin") : nullptr;
    if (!named) return file;
    if (named->kind != config::Node::Kind::text || named->scalar != plugin.name)
        throw Error(path.string() + ":" + std::to_string(named->place.line) + ": [" + plugin.kind +
                    "] is not for the plugin '" + plugin.name + "' that is checked; give the parameters as key=value");
    config::Node own = *table;
    config::erase(own, "plugin");
    // Tables such as [network.mlp] are for one plugin each.
    std::erase_if(own.children, [&](const config::Node& child) {
        return child.is_table() && child.key != plugin.name && !config::find_parameter(plugin.parameters, child.key);
    });
    if (const config::Node* domain = file.find("domain")) config::put(own, *domain);
    return own;
}

// "parameters.toml:1:1: " is no place that anybody knows of.
std::string without_place(const std::string& message) {
    std::istringstream lines(message);
    std::string text, line;
    while (std::getline(lines, line)) {
        const auto end = line.starts_with(no_file) ? line.find(": ") : std::string::npos;
        text += (text.empty() ? "" : "\n") + (end == std::string::npos ? line : line.substr(end + 2));
    }
    return text;
}

// The words, sorted.
struct Given {
    std::vector<std::filesystem::path> files;
    std::vector<std::string> overrides;
};

Given sorted(const PluginManifest& plugin, const std::vector<std::string>& words) {
    Given given;
    for (const std::string& word : words) {
        if (word.find('=') != std::string::npos) given.overrides.push_back(plugin.kind + "." + word);
        else if (has_ending(word, ".toml")) given.files.emplace_back(word);
        else throw Error("'" + word + "' is neither key=value nor a .toml file of parameters");
    }
    return given;
}

config::Node read_files(const std::vector<std::filesystem::path>& files, const PluginManifest& plugin) {
    config::Node all;
    for (const std::filesystem::path& file : files) {
        config::Faults faults(file.string(), {});
        auto read = config::read_with_bases(config::file_text(file, "parameter file"), file, faults);
        faults.throw_if_any();
        config::settle_bases(*read, {{plugin}, {}}, faults);
        for (config::Node& child : own_table(std::move(*read), plugin, file).children)
            config::put(all, std::move(child));
    }
    return all;
}

}  // namespace

Params plugin_parameters(const PluginManifest& plugin, const std::vector<std::string>& words,
                         std::optional<GivenDomain>* domain) {
    const Given given = sorted(plugin, words);
    const std::filesystem::path file = given.files.empty() ? no_file : given.files.back();
    config::Node table = read_files(given.files, plugin);
    if (const config::Node* found = table.find("domain"); found && found->is_table() && domain) {
        *domain = domain_of_table(*found);
        config::erase(table, "domain");
    }
    table.key = plugin.kind;
    config::put(table, config::make_text("plugin", plugin.name, {}));
    config::Node root;
    config::put(root, std::move(table));
    const PluginCatalogue catalogue{{plugin}, {}};
    config::Faults faults(file.string(), given.overrides);
    config::apply_overrides(root, given.overrides, catalogue, faults);
    const auto folder = std::filesystem::absolute(file).parent_path();
    const auto section = config::read_section(plugin.kind, root.find(plugin.kind), {}, catalogue, folder, faults);
    try {
        faults.throw_if_any();
    } catch (const Error& error) {
        throw Error(given.files.empty() ? without_place(error.what()) : error.what());
    }
    return params_of(section.candidates.front().values, plugin.parameters);
}

}  // namespace marginalia
