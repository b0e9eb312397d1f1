// Is a file the published one?
#pragma once

#include <filesystem>
#include <string>

#include "kernel/host/data/data_sets.h"

namespace marginalia::data {

// What is wrong with the file at `path` as copy of `file`: its size or a checksum; "" if nothing. Reads the whole file.
std::string difference_from(const std::filesystem::path& path, const DataFile& file);

}  // namespace marginalia::data
