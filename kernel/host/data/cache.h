// Where data sets are kept.
#pragma once

#include <filesystem>

namespace marginalia::data {

// MARGINALIA_DATA, else $XDG_CACHE_HOME/marginalia (if that is absolute), else ~/.cache/marginalia. It need not exist.
// Throws Error where none of these is set. Datasets find it by the same rule, in plugins/datasets/data_files.h.
std::filesystem::path cache_folder();

}  // namespace marginalia::data
