// One table of the experiment file, such as [network], as every trial of the sweep may want it.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/spec/faults.h"
#include "kernel/spec/node.h"
#include "kernel/spec/schema.h"

namespace marginalia::config {

// Tables that name a plugin, in the order of the documentation: energy, dataset, network, sampler, reference,
// objective.
const std::vector<std::string>& plugin_tables();
// Tables of the kernel's own: train, evaluation, run, stop, hooks, resources, slurm.
const std::vector<std::string>& kernel_tables();
inline constexpr const char* resources_table = "resources";  // what trials ask of devices, which is not what they are
inline constexpr const char* hooks_table = "hooks";
// Those of both that a sweep may vary: all but run.
const std::vector<std::string>& swept_tables();
bool is_plugin_table(std::string_view name);
// Whether a trial may go without the table, which `plugin = "none"` says: sampler, reference.
bool is_optional_table(std::string_view name);
inline constexpr const char* no_plugin = "none";
bool is_kernel_table(std::string_view name);
// Whether the table sets how trials are run, not what they compute, so that none of it can be swept: run, stop,
// hooks, slurm.
bool is_about_running(std::string_view name);
// The declared parameters of a kernel table.
const std::vector<ParameterSpec>& kernel_parameters(std::string_view table);

const ParameterSpec* find_parameter(const std::vector<ParameterSpec>& declared, std::string_view name);

// One of the plugins that the sweep tries for a table, or the kernel's table itself.
struct Candidate {
    const PluginManifest* plugin = nullptr;                  // null: a table of the kernel's, or none
    const std::vector<ParameterSpec>* parameters = nullptr;  // declared
    nlohmann::json values;                                   // defaults and given values; "plugin" where there is one;
                                                             // null: trials with it do not have the table
    std::set<std::string> own;                               // keys given in a sub-table such as [network.mlp]
    Place place{};                                           // of the plugin's name

    bool is_none() const { return values.is_null(); }
};

struct Section {
    std::string name;
    std::string kind;  // of its plugins
    Place place;
    std::vector<Candidate> candidates;  // the first is the one of a trial whose plugin is not swept
    bool complete = true;               // false: a plugin is unknown, so its parameters cannot be checked
};

// Null: there is none of that name.
const Section* find_section(const std::vector<Section>& sections, std::string_view name);

// What the sweep does to a table: needed before the table itself can be judged.
struct SweptHere {
    std::vector<const Node*> plugins;  // the swept values of its `plugin`
    std::set<std::string> keys;        // swept keys, "hidden" or "mlp.hidden"
};

// Checks a table (null: not in the file) and fills in the defaults. All faults are added.
Section read_section(const std::string& name, const Node* table, const SweptHere& swept,
                     const PluginCatalogue& catalogue, const std::filesystem::path& folder, Faults& faults);

// "unknown key 'KEY' in [TABLE]" with where it belongs, the nearest key or the list of keys.
std::string unknown_key(const std::string& key, const std::string& table, const std::vector<std::string>& allowed,
                        const std::string& label);

std::vector<std::string> names_of(const std::vector<ParameterSpec>& declared);
std::vector<std::string> plugin_names(const PluginCatalogue& catalogue, std::string_view kind);

}  // namespace marginalia::config
