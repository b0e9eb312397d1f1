// Files read whole.
#pragma once

#include <filesystem>
#include <string>

namespace marginalia::config {

// The text of an experiment or parameter file. Throws Error naming the file where it cannot be read.
std::string file_text(const std::filesystem::path& file, const std::string& what = "experiment file");

}  // namespace marginalia::config
