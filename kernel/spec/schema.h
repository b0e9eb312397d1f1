// What an experiment file may say: the declared parameters of the kernel's own tables and of every plugin.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include <marginalia/params.h>

namespace marginalia {

// A declared parameter that owns its text: marginalia::Parameter as it travels from a worker to the host.
struct ParameterSpec {
    std::string name;
    ParameterType type = ParameterType::text;
    bool required = false;
    std::string fallback;  // TOML text of the default; meaningless if required
    double minimum = -std::numeric_limits<double>::infinity();
    double maximum = std::numeric_limits<double>::infinity();
    std::vector<std::string> choices;
    std::string unit;
    std::string help;
    std::optional<std::string> absent;  // TOML text of the value that is as if the parameter did not exist
};
void to_json(nlohmann::json&, const ParameterSpec&);
void from_json(const nlohmann::json&, ParameterSpec&);

// One plugin as found on disk.
struct PluginManifest {
    std::string kind;  // "energy", "dataset", "network", "sampler", "objective"
    std::string name;
    std::string summary;
    std::string manual;
    std::vector<ParameterSpec> parameters;
    std::string path;  // absolute
    std::string build_tag;
    std::string sha256;  // of the file
    // What an experiment with it must have: "energy", "dataset", "sampler", "model-sampler" (one that does not itself
    // need "energy"), "target-sampler" (one that does), "states" (a dataset, or an energy with a target-sampler).
    std::vector<std::string> needs;

    // By NAME, or by KIND/NAME where kinds share a name.
    bool is_called(const std::string& word) const { return word == name || word == kind + "/" + name; }
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(PluginManifest, kind, name, summary, manual, parameters, path, build_tag, sha256,
                                   needs)

// Why a folder that is named but not there is listed as a failure.
inline constexpr const char* no_such_folder = "no such plugin folder";

// A file that was refused or failed to load, or a folder that is not there: one sentence why.
struct PluginFailure {
    std::string path;
    std::string reason;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(PluginFailure, path, reason)

struct PluginCatalogue {
    std::vector<PluginManifest> plugins;  // sorted by kind, name
    std::vector<PluginFailure> failures;
    const PluginManifest* find(std::string_view kind, std::string_view name) const;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(PluginCatalogue, plugins, failures)

ParameterSpec describe(const Parameter&);  // of plain data
std::string type_name(ParameterType);      // "boolean", "integer", "number", "text", "path", "script"

// The default of a parameter that is not required, of its type. Throws Error if the declared default is not a value
// that the parameter may take: a fault of the plugin.
nlohmann::json default_value(const ParameterSpec&);
// The same of `absent`, which must be declared.
nlohmann::json absent_value(const ParameterSpec&);

// The kind of the plugin that a table of an experiment file names: the table's own name, but for [reference], whose
// plugin is a sampler. Of a table that names none, its name.
std::string kind_of_table(std::string_view table);

}  // namespace marginalia
