#include "kernel/host/data/cache.h"

#include <marginalia/error.h>

#include <cstdlib>

#include "kernel/base/own_file.h"

namespace marginalia::data {

std::filesystem::path cache_folder() {
    if (const char* folder = std::getenv("MARGINALIA_DATA"); folder && *folder) return folder;
    if (const auto folder = user_cache_folder(); !folder.empty()) return folder;
    throw Error(
        "neither MARGINALIA_DATA, XDG_CACHE_HOME nor HOME is set, so there is no cache of data sets; set "
        "MARGINALIA_DATA");
}

}  // namespace marginalia::data
