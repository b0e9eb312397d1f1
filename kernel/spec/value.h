// A single value of an experiment file against the parameter that it is for.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "kernel/spec/faults.h"
#include "kernel/spec/node.h"
#include "kernel/spec/schema.h"

namespace marginalia::config {

// The value as the canonical config holds it: a number always double, a path absolute (from `folder`). nullopt if it is
// of another type, out of range or no choice; the fault is then added. `name` is how messages call the parameter.
std::optional<nlohmann::json> checked(const Node& value, const ParameterSpec& spec, const std::string& name,
                                      const std::filesystem::path& folder, Faults& faults);

// What is wrong with a value of a config for that parameter, a sentence; empty: nothing.
std::string fault_of(const nlohmann::json& value, const ParameterSpec& spec, const std::string& name);

// "from 1 to 64 sites", "at least 0 s"; empty where every value is allowed.
std::string range_text(const ParameterSpec&);

}  // namespace marginalia::config
