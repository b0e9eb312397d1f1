// What a condition of a sweep asks of other keys: [sweep.when] and [[sweep.exclude]].
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "kernel/spec/faults.h"
#include "kernel/spec/node.h"
#include "kernel/spec/section.h"

namespace marginalia::config {

struct SweepText;

// One key and what it is to be: one of some values, or within bounds.
struct Test {
    std::string dotted;       // the key as written
    std::size_t section = 0;  // index in the sections
    std::string plugin;       // whose parameter it is; empty: any
    std::string key;
    std::vector<nlohmann::json> values;                  // as configs hold them; empty: what the bounds allow
    std::vector<std::pair<std::string, double>> bounds;  // "above", "below", "at_least", "at_most"

    bool accepts(const nlohmann::json& value) const;
};

// All must hold. A key that a trial does not have fits no test.
using Condition = std::vector<Test>;

// One [[sweep.exclude]].
struct Exclude {
    Condition condition;
    Place place;
};

// {"network.plugin": ["mlp"], "train.batch": {"above": 64}}
nlohmann::json json_of(const Condition& condition);

// The conditions of [sweep.when], by the keys as written, and what [[sweep.exclude]] leaves out, both checked against
// the sections. Faults are added; the results are only right if there are none.
std::map<std::string, std::shared_ptr<const Condition>> read_conditions(const SweepText& sweep,
                                                                        const std::vector<Section>& sections,
                                                                        const PluginCatalogue& catalogue,
                                                                        const std::filesystem::path& folder,
                                                                        Faults& faults);
std::vector<Exclude> read_excludes(const SweepText& sweep, const std::vector<Section>& sections,
                                   const PluginCatalogue& catalogue, const std::filesystem::path& folder,
                                   Faults& faults);

}  // namespace marginalia::config
