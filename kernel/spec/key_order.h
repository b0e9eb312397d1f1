// The order in which an experiment's file names its config keys.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/spec/node.h"

namespace marginalia {

// Sorts config keys, "train.steps", as the file has them. A key that the file does not name stands behind the named
// ones of its table, and a table that it does not name at the end: the kernel's in the order of the documentation, a
// plugin's parameters by name.
class KeyOrder {
public:
    KeyOrder() = default;  // of no file
    // `toml`: an experiment's text as the store keeps it. What is no TOML names no key.
    explicit KeyOrder(std::string_view toml);

    // By the first mention, in [sweep] too: the order of swept keys is that of [sweep].
    void sort(std::vector<std::string>& keys) const;
    // Table by table, each with its plugin first and then its keys in that order.
    void sort_by_table(std::vector<std::string>& keys) const;

private:
    struct Rank;
    struct Mentions {
        config::Place first, last;
    };
    using Tables = std::map<std::string, Mentions>;

    Rank rank_of(const std::string& key) const;
    void add_sweep(const config::Node& sweep, const std::string& prefix, Tables& swept);
    void add_key(const std::string& key, config::Place place, Tables& tables);

    std::map<std::string, config::Place> keys_;
    Tables tables_;  // where their keys are; in [sweep] if nowhere else
};

}  // namespace marginalia
