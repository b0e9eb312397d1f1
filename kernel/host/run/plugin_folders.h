// Where plugins are looked for.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "kernel/spec/schema.h"

namespace marginalia {

// Folders searched, as absolute paths, each once: --plugin-path first, then those of an experiment file, then
// MARGINALIA_PLUGIN_PATH (colon list), then lib/marginalia/plugins of the build or install tree that the running
// program is in.
std::vector<std::filesystem::path> plugin_folders(const std::vector<std::string>& from_command_line,
                                                  const std::vector<std::string>& from_experiment = {});

// Every *.so of each folder in order, sorted within it: what is no plugin is to be told. A "folder" may also be one
// plugin file. Folders that are not there or cannot be read are listed in `failures`.
std::vector<std::filesystem::path> plugin_files(const std::vector<std::filesystem::path>& folders,
                                                std::vector<PluginFailure>& failures);

}  // namespace marginalia
