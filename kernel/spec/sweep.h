// The [sweep] table: which values are tried together.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "kernel/spec/faults.h"
#include "kernel/spec/node.h"
#include "kernel/spec/section.h"

namespace marginalia::config {

// "train.steps", "network.plugin" or "network.mlp.hidden" in parts.
struct SweptKey {
    std::string section;
    std::string plugin;  // of a plugin's own parameter; else empty
    std::string key;
    std::string dotted;  // as written
    Place place;
    const Node* values = nullptr;  // a list, or a table that describes a range or a draw; lives as long as the file

    bool is_plugin_choice() const { return plugin.empty() && key == "plugin" && is_plugin_table(section); }
};

// [sweep] as written, its keys resolved.
struct SweepText {
    std::vector<SweptKey> grid;
    std::vector<std::vector<SweptKey>> zips;
    std::vector<SweptKey> draws;
    std::int64_t samples = 0;  // number of random draws
    std::int64_t seed = 0;     // of the draws

    std::vector<const SweptKey*> keys() const;  // all
};

// One key's value at one point of the sweep.
struct Setting {
    std::size_t section = 0;  // index in the sections
    std::string key;
    std::vector<nlohmann::json> values;  // one a candidate of the section; null where the candidate does not take it
    std::size_t choice = 0;              // the candidate chosen, if `key` is "plugin"
};
using Point = std::vector<Setting>;  // what is set together
using Axis = std::vector<Point>;     // the sweep is the product of its axes; the first varies slowest

// Rewrites nested tables of [sweep] (sweep.train.steps = [...]) as dotted keys ("train.steps" = [...]).
void flatten_sweep(Node& root, const PluginCatalogue& catalogue);

// Resolves the keys of a flat [sweep] table (null: none). Faults are added.
SweepText read_sweep(const Node* sweep, Faults& faults);

// What the sweep does to one section.
SweptHere swept_in(const std::string& section, const SweepText& sweep);

// Checks every value against the sections and lays out the axes. Faults are added.
std::vector<Axis> make_axes(const SweepText& sweep, const std::vector<Section>& sections,
                            const PluginCatalogue& catalogue, const std::filesystem::path& folder, Faults& faults);

}  // namespace marginalia::config
