// Where results come from: code, versions, plugins, machine, command line.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "kernel/spec/experiment.h"

namespace marginalia {

// The part that takes a moment (it asks git): {"git": {"commit", "dirty", "diff"}, "host", "cpu", "cores", "system",
// "versions": {"marginalia", "compiler", "sqlite"}}. Where `file` is in no git repository, or git is not installed,
// "git" is absent, as where `file` is empty: git runs what a repository's own configuration names, so that nobody's
// store may choose the folder. Runs on a thread of its own.
nlohmann::json surroundings_of(const std::filesystem::path& file);

// The whole record of a sweep, as the store keeps it: surroundings, "command_line", LibTorch's version and the plugins
// that the experiment uses ({"kind", "name", "path", "sha256", "build_tag"}), and as "inputs" the files that parameters
// of type path name ({"path", "sha256"}).
std::string provenance_of(nlohmann::json surroundings, const Experiment& experiment, const PluginCatalogue& plugins,
                          const std::string& torch_version, const std::vector<std::string>& command_line);

}  // namespace marginalia
