// Takes files out of compressed files and archives, by libarchive.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace marginalia::data {

// "a/train.csv.gz" -> "train.csv": without folders and the suffixes of compression.
std::string plain_name(std::string_view path);

// Where a member goes, and how long it may be.
struct Place {
    std::filesystem::path file;
    std::uint64_t most_bytes = 0;
};

// Asked for each member, by its plain name, where it is to go; nullopt: it is not wanted.
using Placer = std::function<std::optional<Place>(const std::string& name)>;

// Goes through a file: .zip (and .whl), .tar, each of their members compressed or not, or else one file; compressed by
// gzip, xz, lzma, bzip2 or zstd or not at all, whatever its name is. Writes the members that are wanted, uncompressed,
// in bounded memory. Throws Error naming the file where it is damaged or cut short, where a member is longer than its
// place allows, and where nothing can be written; members written by then stay.
void unpack(const std::filesystem::path& file, const Placer& placer);

}  // namespace marginalia::data
