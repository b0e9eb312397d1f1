// The [sweep] table: which values are tried together.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kernel/spec/condition.h"
#include "kernel/spec/draws.h"
#include "kernel/spec/faults.h"
#include "kernel/spec/node.h"
#include "kernel/spec/section.h"
#include "kernel/spec/space.h"

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
    DrawPlan plan;                      // of the draws
    const Node* when = nullptr;         // [sweep.when]; null: none
    std::vector<const Node*> excludes;  // [[sweep.exclude]], tables

    std::vector<const SweptKey*> keys() const;  // all
};

// One key's value at one point of the sweep.
struct Setting {
    std::size_t section = 0;  // index in the sections
    std::string key;
    std::vector<nlohmann::json> values;  // one a candidate of the section; null where the candidate does not take it
    std::size_t choice = 0;              // the candidate chosen, if `key` is "plugin"
    std::shared_ptr<const Condition> when =
        nullptr;  // where it does not hold, the key is as if not swept; null: always
};
using Point = std::vector<Setting>;  // what is set together
using Axis = std::vector<Point>;     // the sweep is the product of its axes; the first varies slowest

// A checked sweep.
struct Sweep {
    std::vector<Axis> axes;
    std::vector<Exclude> excludes;
    Space space;  // the same for others
};

// Rewrites nested tables of [sweep] (sweep.train.steps = [...]) as dotted keys ("train.steps" = [...]), in
// [[sweep.zip]], [[sweep.exclude]] and [sweep.when] too.
void flatten_sweep(Node& root, const PluginCatalogue& catalogue);

// The parts of a key as [sweep] and its tables write it; nullopt if no key can be meant, a fault, which is added.
std::optional<SweptKey> split_key(const Node& child, Faults& faults);

// Resolves the keys of a flat [sweep] table (null: none). Faults are added.
SweepText read_sweep(const Node* sweep, Faults& faults);

// What the sweep does to one section.
SweptHere swept_in(const std::string& section, const SweepText& sweep);

// Checks every value against the sections and lays out the axes. Faults are added.
Sweep make_sweep(const SweepText& text, const std::vector<Section>& sections, const PluginCatalogue& catalogue,
                 const std::filesystem::path& folder, Faults& faults);

}  // namespace marginalia::config
