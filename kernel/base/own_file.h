// Files that the program keeps for its user: a key, a cache.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>

namespace marginalia {

// The content of a plain file that this user owns and that others may neither write nor, as `forbidden` says (bits of a
// mode, as 077), read. nullopt where it is anything else, is a link, or has more than `most` bytes.
std::optional<std::string> read_own_file(const std::filesystem::path& file, mode_t forbidden, std::size_t most);

// $XDG_CACHE_HOME/marginalia (if that is absolute), else ~/.cache/marginalia; "" where neither is set. It need not
// exist.
std::filesystem::path user_cache_folder();

}  // namespace marginalia
