// What tells trials or configurations apart, in tables of one experiment's and of several's.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "kernel/host/results/table.h"
#include "kernel/host/results/telling_keys.h"
#include "kernel/host/verbs/stores.h"

namespace marginalia {

using ConfigsOf = std::map<std::string, std::vector<const FlatConfig*>>;  // by experiment

// On a screen that shows one experiment, a column for each key in which its configs differ; else one, "settings".
class SettingsColumns {
public:
    // The keys stand in the order of each experiment's file in the first store that has it.
    SettingsColumns(std::vector<OpenStore>& stores, const ConfigsOf& configs, Format format);

    bool are_apart() const { return apart_; }  // the screen shows one experiment
    void add_heads(std::vector<Column>& heads) const;
    // `value`: what programs get as "settings".
    void add_cells(std::vector<Cell>& row, const std::string& experiment, const FlatConfig& config,
                   nlohmann::json value) const;

    // "learning_rate=0.001 channels=32", with all digits.
    std::string in_full(const std::string& experiment, const FlatConfig& config) const;

private:
    std::map<std::string, TellingKeys> telling_;  // by experiment
    bool apart_;
};

}  // namespace marginalia
