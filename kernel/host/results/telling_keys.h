// The keys that tell configurations apart, and their values as people read them.
#pragma once

#include <string>
#include <vector>

#include "kernel/host/results/config_keys.h"
#include "kernel/host/results/table.h"

namespace marginalia {

// Numbers have four significant digits (1, not 1.0; 5/9 is 0.5556), and more where configurations would look the same.
class TellingKeys {
public:
    TellingKeys() = default;
    // The keys in which these differ (differing_keys).
    TellingKeys(const std::vector<const FlatConfig*>& configs, const KeyOrder& order);
    // These keys of them.
    TellingKeys(std::vector<std::string> keys, const std::vector<const FlatConfig*>& configs);

    const std::vector<std::string>& keys() const { return keys_; }

    std::string shown(const std::string& value) const;
    std::string value(const FlatConfig& config, const std::string& key) const;
    Cell cell(const FlatConfig& config, const std::string& key) const;  // programs get all digits
    // "learning_rate = 0.001, channels = 32"; empty where there are no keys.
    std::string text(const FlatConfig& config) const;

private:
    std::vector<std::string> keys_;
    int digits_ = 4;
};

// A column for each of the keys.
std::vector<Column> setting_columns(const std::vector<std::string>& keys);

// A value of a config as people read it: a number in its one form, "" where there is nothing; a text stays as it is.
std::string shown_value(const std::string& value, int digits = 4);

}  // namespace marginalia
