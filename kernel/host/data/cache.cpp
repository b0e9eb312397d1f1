#include "kernel/host/data/cache.h"

#include <marginalia/error.h>

#include <cstdlib>
#include <string>

namespace marginalia::data {
namespace {

std::filesystem::path variable(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

}  // namespace

std::filesystem::path cache_folder() {
    if (const auto folder = variable("MARGINALIA_DATA"); !folder.empty()) return folder;
    if (const auto cache = variable("XDG_CACHE_HOME"); cache.is_absolute()) return cache / "marginalia";
    if (const auto home = variable("HOME"); !home.empty()) return home / ".cache" / "marginalia";
    throw Error(
        "neither MARGINALIA_DATA, XDG_CACHE_HOME nor HOME is set, so there is no cache of data sets; set "
        "MARGINALIA_DATA");
}

}  // namespace marginalia::data
