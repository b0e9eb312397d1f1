#include "kernel/host/data/verify.h"

#include <fmt/format.h>

#include "kernel/base/digest.h"

namespace marginalia::data {

std::string difference_from(const std::filesystem::path& path, const DataFile& file) {
    const std::uint64_t size = std::filesystem::file_size(path);
    if (size != file.size) return fmt::format("it has {} bytes and the published file {}", size, file.size);
    if (!file.sha256.empty())
        if (const std::string sum = sha256_of_file(path); sum != file.sha256)
            return fmt::format("its SHA-256 is {} and that of the published file {}", sum, file.sha256);
    if (!file.md5.empty())
        if (const std::string sum = md5_of_file(path); sum != file.md5)
            return fmt::format("its MD5 is {} and that of the published file {}", sum, file.md5);
    return {};
}

}  // namespace marginalia::data
