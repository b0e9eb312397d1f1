// An experiment file with all that is laid over and under it, before it is judged.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/spec/faults.h"
#include "kernel/spec/node.h"
#include "kernel/spec/schema.h"

namespace marginalia::config {

// The root table: the files that it extends are merged in, [sweep] is flat, the overrides are applied. `faults` is for
// this file and these overrides. Throws Error where a file is no TOML or cannot be read; other faults are added.
Node read_root(std::string_view text, const std::filesystem::path& file, const std::vector<std::string>& overrides,
               const PluginCatalogue& plugins, Faults& faults);

}  // namespace marginalia::config
