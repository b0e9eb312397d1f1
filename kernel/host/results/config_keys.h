// The keys of trials' configs: in the order of the experiment's file, with short names.
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "kernel/spec/key_order.h"
#include "store/queries.h"

namespace marginalia {

// Keys of a config by their dotted names, values as an experiment file would spell them, texts without quotes.
using FlatConfig = std::map<std::string, std::string>;

// One for all trials that have it. Never null.
using SharedConfig = std::shared_ptr<const FlatConfig>;

FlatConfig flatten(const nlohmann::json& config);
FlatConfig flatten_text(const std::string& json);  // the `config` column; empty if it is not JSON

FlatConfig config_of(const store::Store& store,
                     const store::Trial& trial);  // throws StoreError (damaged) if it is none

// The same in the file's order, table by table.
using ConfigLines = std::vector<std::pair<std::string, std::string>>;
ConfigLines lines_of(const FlatConfig& config, const KeyOrder& order);

// That of the newest run of the experiment's file; where there is no run, that of no file.
KeyOrder key_order(store::Store& store, const std::string& experiment);

// Keys whose values are not the same in all configs, as the file names them; of keys that only some plugins have, those
// that vary among the configs that have them. Without train.start_from where the other keys tell the configs apart as
// well.
std::vector<std::string> differing_keys(const std::vector<const FlatConfig*>& configs, const KeyOrder& order = {});

// "train.learning_rate" -> "learning_rate" and "network.plugin" -> "network", where no other of `keys` ends alike.
std::string short_key(const std::string& key, const std::vector<std::string>& keys);

// The value of a key for people; "—" where the config has no such key.
std::string config_value(const FlatConfig& config, const std::string& key);

}  // namespace marginalia
