#include "kernel/host/results/config_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "kernel/host/results/stored_json.h"
#include "store/error.h"

namespace marginalia {
namespace {

void flatten_into(FlatConfig& flat, const nlohmann::json& value, const std::string& prefix) {
    if (value.is_object()) {
        for (const auto& [key, inner] : value.items())
            flatten_into(flat, inner, prefix.empty() ? key : prefix + "." + key);
        return;
    }
    flat[prefix] = value.is_string() ? value.get<std::string>() : value.dump();
}

// Drops train.start_from where the other keys tell the configs apart as well: a first stage follows from what it shares
// with the second.
void drop_start(std::vector<std::string>& differing, const std::vector<const FlatConfig*>& configs) {
    const auto start = std::find(differing.begin(), differing.end(), "train.start_from");
    if (start == differing.end()) return;
    std::vector<std::string> others = differing;
    others.erase(others.begin() + (start - differing.begin()));
    const auto kinds = [&](const std::vector<std::string>& keys) {
        std::set<std::vector<std::string>> values;
        for (const FlatConfig* config : configs) {
            std::vector<std::string> row;
            for (const std::string& key : keys) row.push_back(config_value(*config, key));
            values.insert(std::move(row));
        }
        return values.size();
    };
    if (kinds(others) == kinds(differing)) differing = std::move(others);
}

// What configs say of one key.
struct Uses {
    const std::string* first;  // value
    std::size_t holders = 0;   // configs that have it
    bool differ = false;       // not all have the first value
};

// Configs have nearly the same keys, all sorted, so that one walk along both needs no look-ups.
std::map<std::string, Uses> uses_of(const std::vector<const FlatConfig*>& configs) {
    std::map<std::string, Uses> all;
    for (const FlatConfig* config : configs) {
        auto at = all.begin();
        for (const auto& [key, value] : *config) {
            while (at != all.end() && at->first < key) ++at;
            if (at == all.end() || at->first != key) at = all.emplace_hint(at, key, Uses{&value});
            ++at->second.holders;
            at->second.differ = at->second.differ || *at->second.first != value;
        }
    }
    return all;
}

}  // namespace

FlatConfig flatten(const nlohmann::json& config) {
    FlatConfig flat;
    if (config.is_object()) flatten_into(flat, config, "");
    return flat;
}

FlatConfig flatten_text(const std::string& json) { return flatten(stored_json(json)); }

FlatConfig config_of(const store::Store& store, const store::Trial& trial) {
    const nlohmann::json config = stored_json(trial.config);
    if (!config.is_object())
        throw store::damaged_store(store.file(), fmt::format("the config of trial {} is not JSON", trial.id));
    return flatten(config);
}

ConfigLines lines_of(const FlatConfig& config, const KeyOrder& order) {
    std::vector<std::string> keys;
    for (const auto& [key, value] : config) keys.push_back(key);
    order.sort_by_table(keys);
    ConfigLines lines;
    for (std::string& key : keys) {
        std::string value = config.at(key);
        lines.emplace_back(std::move(key), std::move(value));
    }
    return lines;
}

KeyOrder key_order(store::Store& store, const std::string& experiment) {
    if (store::sweep_ids(store, experiment).empty()) return {};
    return KeyOrder(store::newest_sweep(store, experiment).toml);
}

std::vector<std::string> differing_keys(const std::vector<const FlatConfig*>& configs, const KeyOrder& order) {
    const std::map<std::string, Uses> all = uses_of(configs);
    const auto varies = [&](const Uses& uses) { return uses.differ || uses.holders < configs.size(); };
    // A parameter that only some plugins have says nothing that the plugin's name does not.
    const auto follows_plugin = [&](const std::string& key) {
        const std::string plugin = key.substr(0, key.find('.')) + ".plugin";
        const auto found = all.find(plugin);
        return key != plugin && found != all.end() && varies(found->second);
    };
    std::vector<std::string> differing;
    for (const auto& [key, uses] : all)
        if (uses.differ || (varies(uses) && !follows_plugin(key))) differing.push_back(key);
    drop_start(differing, configs);
    order.sort(differing);
    return differing;
}

std::string short_key(const std::string& key, const std::vector<std::string>& keys) {
    const auto last = [](const std::string& name) {
        if (name.ends_with(".plugin")) return name.substr(0, name.size() - 7);
        return name.substr(name.rfind('.') + 1);
    };
    const std::string tail = last(key);
    const auto alike =
        std::count_if(keys.begin(), keys.end(), [&](const std::string& other) { return last(other) == tail; });
    return alike > 1 ? key : tail;
}

std::string config_value(const FlatConfig& config, const std::string& key) {
    const auto found = config.find(key);
    return found == config.end() ? std::string("—") : found->second;
}

}  // namespace marginalia
