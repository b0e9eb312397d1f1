// Files of published data sets: where they lie, and reading them whole. Shared by the datasets beside it.
#pragma once

#include <marginalia/error.h>
#include <sys/stat.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

namespace marginalia {

// The cache that `marginalia data get` fills: MARGINALIA_DATA, else $XDG_CACHE_HOME/marginalia, else
// ~/.cache/marginalia. A relative XDG_CACHE_HOME counts as none, as its specification asks. The program has the same
// rule in kernel/data/cache.h.
inline std::string data_cache() {
    const auto variable = [](const char* name) {
        const char* value = std::getenv(name);
        return std::string(value ? value : "");
    };
    if (const std::string folder = variable("MARGINALIA_DATA"); !folder.empty()) return folder;
    if (const std::string cache = variable("XDG_CACHE_HOME"); cache.starts_with('/')) return cache + "/marginalia";
    if (const std::string home = variable("HOME"); !home.empty()) return home + "/.cache/marginalia";
    throw Error(
        "neither MARGINALIA_DATA, XDG_CACHE_HOME nor HOME is set, so there is no cache of data sets; set "
        "MARGINALIA_DATA");
}

// The folder of a set's files: `given` if that is not empty, else the set's folder in the cache.
inline std::string data_folder(const std::string& given, const std::string& set) {
    return given.empty() ? data_cache() + "/" + set : given;
}

// Refuses a file of the cache that is not as long as the published one: a copy cut short at the end of a line would go unseen otherwise.
// `count` and `right` are of `units`; `name` is the set's for `marginalia data get`.
inline void check_length(const std::string& path, std::size_t count, std::size_t right, const std::string& units, const std::string& name) {
    if (count != right)
        throw Error(path + ": it has " + std::to_string(count) + " " + units + " and the published file " + std::to_string(right) +
                    "; remove it and fetch it with: marginalia data get " + name);
}

// The bytes of a file, on the heap and not copied.
struct FileBytes {
    std::unique_ptr<std::uint8_t[]> bytes;
    std::size_t size = 0;
};

// Reads a file, or its first `most` bytes. Throws Error where it is not there, saying to `get` it ("mnist", the name
// that `marginalia data get` knows) or to set the parameter `key`, where it cannot be read, and where it is empty.
inline FileBytes file_bytes(const std::string& path, const std::string& key, const std::string& get,
                            std::size_t most = SIZE_MAX) {
    struct stat facts;
    if (::stat(path.c_str(), &facts) != 0)
        throw Error(path + ": there is no such file; fetch it with: marginalia data get " + get + ", or set " + key +
                    " to where it lies");
    if (!S_ISREG(facts.st_mode)) throw Error(path + ": is no file; give the path of one");
    if (facts.st_size == 0)
        throw Error(path + ": the file is empty; remove it and fetch it with: marginalia data get " + get);
    FileBytes read;
    read.size = static_cast<std::size_t>(facts.st_size) < most ? static_cast<std::size_t>(facts.st_size) : most;
    read.bytes = std::make_unique_for_overwrite<std::uint8_t[]>(read.size);
    std::FILE* file = std::fopen(path.c_str(), "rb");
    const bool whole = file && std::fread(read.bytes.get(), 1, read.size, file) == read.size;
    if (file) std::fclose(file);
    if (!whole) throw Error(path + ": cannot be read; give the path of a readable file");
    return read;
}

}  // namespace marginalia
