// Makes objects from built plugin files, as a host does, with the SDK alone.
#pragma once

#include <dlfcn.h>
#include <marginalia/energy.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace energy_plugin {

using Bytes = std::vector<std::uint8_t>;
using Words = std::map<std::string, std::string>;  // parameter -> value, as a TOML file spells it

inline marginalia::ParameterValue value_of(const marginalia::Parameter& parameter, const std::string& word) {
    switch (parameter.type) {
        case marginalia::ParameterType::boolean: return word == "true";
        case marginalia::ParameterType::integer: return std::int64_t{std::stoll(word)};
        case marginalia::ParameterType::number: return std::stod(word);
        default: return word.starts_with('"') ? word.substr(1, word.size() - 2) : word;
    }
}

inline const marginalia::PluginDescriptor& descriptor(const std::string& name) {
    const std::string path = std::string(MARGINALIA_BINARY_DIR) + "/lib/marginalia/plugins/" + name + ".so";
    void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library) throw std::runtime_error(dlerror());
    const std::string symbol = "marginalia_plugin_v" + std::to_string(MARGINALIA_ABI);
    const void* found = dlsym(library, symbol.c_str());
    if (!found) throw std::runtime_error(path + " has no " + symbol);
    return *static_cast<const marginalia::PluginDescriptor*>(found);
}

// The plugin's parameters; what `words` leaves out has its default. A word that is no parameter is an error.
inline marginalia::Params params_of(const marginalia::PluginDescriptor& plugin, Words words) {
    std::map<std::string, marginalia::ParameterValue, std::less<>> values;
    for (std::size_t i = 0; i < plugin.parameter_count; ++i) {
        const marginalia::Parameter& parameter = plugin.parameters[i];
        const auto given = words.extract(parameter.name);
        if (given.empty() && !parameter.fallback)
            throw std::runtime_error(std::string(parameter.name) + " is required");
        values.emplace(parameter.name, value_of(parameter, given.empty() ? parameter.fallback : given.mapped()));
    }
    if (!words.empty()) throw std::runtime_error(words.begin()->first + " is no parameter of " + plugin.name);
    return marginalia::Params(values);
}

inline std::unique_ptr<const marginalia::Energy> make(const std::string& name, const Words& words = {}) {
    const marginalia::PluginDescriptor& plugin = descriptor(name);
    const auto create = reinterpret_cast<marginalia::EnergyFactory>(plugin.create);
    return std::unique_ptr<const marginalia::Energy>(create(params_of(plugin, words)));
}

// The message of the refusal, "" where there is none.
inline std::string refusal(const std::string& name, const Words& words) {
    try {
        make(name, words);
    } catch (const marginalia::Error& error) {
        return error.what();
    }
    return "";
}

}  // namespace energy_plugin
