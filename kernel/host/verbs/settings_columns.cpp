#include "kernel/host/verbs/settings_columns.h"

#include "store/queries.h"

namespace marginalia {
namespace {

KeyOrder order_in(std::vector<OpenStore>& stores, const std::string& experiment) {
    for (OpenStore& each : stores)
        if (!store::sweep_ids(each.store, experiment).empty()) return key_order(each.store, experiment);
    return {};
}

}  // namespace

SettingsColumns::SettingsColumns(std::vector<OpenStore>& stores, const ConfigsOf& configs, Format format)
    : apart_(format == Format::text && configs.size() == 1) {
    for (const auto& [experiment, list] : configs)
        telling_.emplace(experiment, TellingKeys(list, order_in(stores, experiment)));
}

void SettingsColumns::add_heads(std::vector<Column>& heads) const {
    if (!apart_) return heads.push_back({.name = "settings", .role = Role::key});
    for (Column& column : setting_columns(telling_.begin()->second.keys())) heads.push_back(std::move(column));
}

void SettingsColumns::add_cells(std::vector<Cell>& row, const std::string& experiment, const FlatConfig& config,
                                nlohmann::json value) const {
    const TellingKeys& telling = telling_.at(experiment);
    if (!apart_) row.emplace_back(telling.text(config), std::move(value));
    else
        for (const std::string& key : telling.keys()) row.push_back(telling.cell(config, key));
}

std::string SettingsColumns::in_full(const std::string& experiment, const FlatConfig& config) const {
    const std::vector<std::string>& keys = telling_.at(experiment).keys();
    std::string text;
    for (const std::string& key : keys)
        text += (text.empty() ? "" : " ") + short_key(key, keys) + "=" + config_value(config, key);
    return text;
}

}  // namespace marginalia
