#include "kernel/conformance/parameters.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "kernel/config/experiment.h"
#include "kernel/config/overrides.h"
#include "kernel/config/section.h"
#include "kernel/config/toml_text.h"

namespace marginalia {
namespace {

std::string text_of(const std::filesystem::path& file) {
    std::ifstream stream(file);
    if (!stream) throw Error("the parameter file " + file.string() + " cannot be read");
    std::ostringstream text;
    text << stream.rdbuf();
    return text.str();
}

}  // namespace

Params plugin_parameters(const PluginManifest& plugin, const std::vector<std::string>& words,
                         std::optional<GivenDomain>* domain) {
    std::filesystem::path file = "parameters.toml";
    std::string text;
    std::vector<std::string> overrides;
    for (const std::string& word : words) {
        if (word.find('=') != std::string::npos) {
            overrides.push_back(plugin.kind + "." + word);
        } else if (word.ends_with(".toml")) {
            file = word;
            text += text_of(file) + "\n";
        } else {
            throw Error("'" + word + "' is neither key=value nor a .toml file of parameters");
        }
    }
    config::Faults faults(file.string(), overrides);
    const PluginCatalogue catalogue{{plugin}, {}};
    auto table = config::read_toml(text, faults);
    faults.throw_if_any();
    if (const config::Node* given = table->find("domain"); given && given->is_table() && domain) {
        *domain = domain_of_table(*given);
        config::erase(*table, "domain");
    }
    table->key = plugin.kind;
    config::put(*table, config::make_text("plugin", plugin.name, {}));
    config::Node root;
    config::put(root, std::move(*table));
    config::apply_overrides(root, overrides, catalogue, faults);
    const auto folder = std::filesystem::absolute(file).parent_path();
    const auto section = config::read_section(plugin.kind, root.find(plugin.kind), {}, catalogue, folder, faults);
    faults.throw_if_any();
    return params_of(section.candidates.front().values, plugin.parameters);
}

}  // namespace marginalia
