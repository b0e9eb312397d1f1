// Where plugins are looked for.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace marginalia {

// Folders searched, as absolute paths, each once: --plugin-path first, then those of an experiment file, then
// MARGINALIA_PLUGIN_PATH (colon list), then lib/marginalia/plugins of the build or install tree that the running
// program is in.
std::vector<std::filesystem::path> plugin_folders(const std::vector<std::string>& from_command_line,
                                                  const std::vector<std::string>& from_experiment = {});

}  // namespace marginalia
