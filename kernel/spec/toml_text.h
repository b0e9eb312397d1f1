// TOML text to nodes and back. The only user of toml++.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "kernel/spec/faults.h"
#include "kernel/spec/node.h"

namespace marginalia::config {

// The root table of a TOML document, of the file of that number; nullopt after a syntax error, which is added to
// `faults`.
std::optional<Node> read_toml(std::string_view text, Faults& faults, std::uint32_t file = 0);

// A single TOML value such as `1e-3`, `"a"` or `[1, 2]`; nullopt if the text is none, or has a
// comment behind it, which is no value. Every place in it is `place`.
std::optional<Node> read_toml_value(std::string_view text, Place place);

// A key as TOML spells it, in quotes where it needs them.
std::string toml_key(const std::string& key);

// A JSON boolean, integer, number or string as TOML spells it.
std::string toml_scalar(const nlohmann::json& value);

// A value as TOML spells it in one line, lists and tables too.
std::string toml_value(const Node& value);

// The root table as a TOML document: top-level values, then one [table] each with its lists of tables as
// [[table.list]]; deeper tables inline.
std::string write_toml(const Node& root);

}  // namespace marginalia::config
