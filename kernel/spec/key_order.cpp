#include "kernel/spec/key_order.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include "kernel/spec/nearest.h"
#include "kernel/spec/section.h"
#include "kernel/spec/toml_text.h"

namespace marginalia {
namespace {

constexpr config::Place nowhere{.source = std::numeric_limits<std::uint32_t>::max()};

template <class Words>
std::size_t index_in(const Words& words, std::string_view word) {
    return static_cast<std::size_t>(std::ranges::find(words, word) - words.begin());
}

// "mlp.hidden" is the parameter `hidden` of one of several plugins.
std::string last_part(const std::string& key) { return key.substr(key.rfind('.') + 1); }

std::string table_of(const std::string& key) { return key.substr(0, key.find('.')); }

std::size_t index_of(const std::string& table, const std::string& key) {
    if (!config::is_kernel_table(table)) return key != "plugin";
    return index_in(config::names_of(config::kernel_parameters(table)), key);
}

}  // namespace

// What is compared, member by member.
struct KeyOrder::Rank {
    config::Place table, key;
    std::size_t table_index, unnamed, key_index;
    std::string name;

    auto by_mention() const { return std::make_tuple(key, table_index, unnamed, key_index, name); }
    auto by_table() const {
        return std::make_tuple(table, table_index, !name.ends_with(".plugin"), key, unnamed, key_index, name);
    }
};

KeyOrder::KeyOrder(std::string_view toml) {
    config::Faults faults("", {});
    const std::optional<config::Node> root = config::read_toml(toml, faults);
    if (!root) return;
    for (const config::Node& table : root->children) {
        if (!contains(config::swept_tables(), table.key)) continue;
        for (const config::Node& child : table.children) {
            add_key(table.key + "." + child.key, child.key_place, tables_);
            for (const config::Node& inner : child.children)  // of [network.mlp]
                add_key(table.key + "." + inner.key, inner.key_place, tables_);
        }
    }
    Tables swept;
    if (const config::Node* sweep = root->find("sweep")) add_sweep(*sweep, "", swept);
    tables_.merge(swept);
}

void KeyOrder::add_key(const std::string& key, config::Place place, Tables& tables) {
    const std::string table = table_of(key);
    keys_.try_emplace(table + "." + last_part(key), place);
    Mentions& mentions = tables.try_emplace(table, place, place).first->second;
    mentions.last = std::max(mentions.last, place);
}

// Without the catalogue a range or a draw cannot be told from a plugin's table: its words are taken for keys, which no
// config has.
void KeyOrder::add_sweep(const config::Node& sweep, const std::string& prefix, Tables& swept) {
    for (const config::Node& child : sweep.children) {
        if (prefix.empty() && (child.key == "when" || child.key == "exclude")) continue;
        const bool is_zip = prefix.empty() && (child.key == "zip" || child.key.empty());
        const std::string key = prefix + child.key;
        if (!is_zip && table_of(key) != key) add_key(key, child.key_place, swept);
        if (is_zip || child.is_table()) add_sweep(child, is_zip ? "" : key + ".", swept);
    }
}

KeyOrder::Rank KeyOrder::rank_of(const std::string& key) const {
    const std::string table = table_of(key);
    const auto named = keys_.find(key);
    const auto around = tables_.find(table);
    const Mentions mentions = around == tables_.end() ? Mentions{nowhere, nowhere} : around->second;
    return {.table = mentions.first,
            .key = named == keys_.end() ? mentions.last : named->second,
            .table_index = index_in(config::swept_tables(), table),
            .unnamed = named == keys_.end(),
            .key_index = index_of(table, last_part(key)),
            .name = key};
}

void KeyOrder::sort(std::vector<std::string>& keys) const {
    std::ranges::sort(keys, {}, [this](const std::string& key) { return rank_of(key).by_mention(); });
}

void KeyOrder::sort_by_table(std::vector<std::string>& keys) const {
    std::ranges::sort(keys, {}, [this](const std::string& key) { return rank_of(key).by_table(); });
}

}  // namespace marginalia
