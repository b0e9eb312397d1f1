// MD5 (RFC 1321), for files whose publishers give no better checksum. It finds damage; it proves nothing against
// malice.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace marginalia::data {

std::string md5_hex(std::string_view bytes);  // 32 lower-case hex digits

// Throws Error if the file cannot be read.
std::string md5_of_file(const std::filesystem::path& path);

}  // namespace marginalia::data
