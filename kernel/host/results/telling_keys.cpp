#include "kernel/host/results/telling_keys.h"

#include <charconv>
#include <set>

namespace marginalia {
namespace {

constexpr int most_digits = 8;

// How many of the configs differ where numbers have so many digits; 0: all of them.
std::size_t distinct(const std::vector<std::string>& keys, const std::vector<const FlatConfig*>& configs, int digits) {
    std::set<std::vector<std::string>> rows;
    for (const FlatConfig* config : configs) {
        std::vector<std::string> row;
        for (const std::string& key : keys) {
            const std::string value = config_value(*config, key);
            row.push_back(digits > 0 ? shown_value(value, digits) : value);
        }
        rows.insert(std::move(row));
    }
    return rows.size();
}

}  // namespace

TellingKeys::TellingKeys(const std::vector<const FlatConfig*>& configs, const KeyOrder& order)
    : TellingKeys(differing_keys(configs, order), configs) {}

TellingKeys::TellingKeys(std::vector<std::string> keys, const std::vector<const FlatConfig*>& configs)
    : keys_(std::move(keys)) {
    const std::size_t all = distinct(keys_, configs, 0);
    while (digits_ < most_digits && distinct(keys_, configs, digits_) < all) ++digits_;
}

std::string TellingKeys::shown(const std::string& value) const { return shown_value(value, digits_); }

std::string TellingKeys::value(const FlatConfig& config, const std::string& key) const {
    return shown(config_value(config, key));
}

Cell TellingKeys::cell(const FlatConfig& config, const std::string& key) const {
    return {value(config, key), config_value(config, key)};
}

std::string TellingKeys::text(const FlatConfig& config) const {
    std::string text;
    for (const std::string& key : keys_)
        text += (text.empty() ? "" : ", ") + short_key(key, keys_) + " = " + value(config, key);
    return text;
}

std::vector<Column> setting_columns(const std::vector<std::string>& keys) {
    std::vector<Column> columns;
    for (const std::string& key : keys) columns.push_back({.name = short_key(key, keys), .role = Role::setting});
    return columns;
}

std::string shown_value(const std::string& value, int digits) {
    if (value.empty()) return "\"\"";
    if (value.find_first_of(".e") == value.npos) return value;
    double number = 0;
    const char* end = value.data() + value.size();
    const auto [stop, error] = std::from_chars(value.data(), end, number);
    return error == std::errc() && stop == end ? number_text(number, digits) : value;
}

}  // namespace marginalia
