// Keys that `key=value` of the command line may give: for completion.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "kernel/spec/schema.h"

namespace marginalia {

struct KnownKey {
    std::string key;  // "train.steps", "network.mlp.hidden"
    ParameterSpec spec;
};

// Those of the kernel's tables and of the plugins that the file's tables name; of a plugin beside others in a sweep by
// TABLE.PLUGIN.KEY too. Of all plugins where `file` is empty or cannot be read: a file that is being written is often
// wrong. Throws nothing about the file.
std::vector<KnownKey> known_keys(const std::filesystem::path& file, const PluginCatalogue& plugins);

}  // namespace marginalia
