// Files of published data sets: where they lie, and reading them whole. Shared by the datasets beside it.
#pragma once

#include <marginalia/files.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

namespace marginalia {

// The cache that `marginalia data get` fills: MARGINALIA_DATA, else $XDG_CACHE_HOME/marginalia, else
// ~/.cache/marginalia. A relative XDG_CACHE_HOME counts as none, as its specification asks. The program has the same
// rule in kernel/host/data/cache.h.
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

// Refuses a file of the cache that is not as long as the published one: a copy cut short at the end of a line would go
// unseen otherwise. `count` and `right` are of `units`; `name` is the set's for `marginalia data get`.
inline void check_length(const std::string& path, std::size_t count, std::size_t right, const std::string& units,
                         const std::string& name) {
    if (count != right)
        throw Error(path + ": it has " + std::to_string(count) + " " + units + " and the published file " +
                    std::to_string(right) + "; remove it and fetch it with: marginalia data get " + name);
}

struct FileBytes {
    std::string path;  // of the file read: what was asked for, or with .gz behind it
    std::string bytes;
};

// Reads a file, or its first `most` bytes; where it is not there and the same name with .gz behind it is, that one,
// unpacked. Throws Error where neither is there, saying to `get` it ("mnist", the name that `marginalia data get`
// knows) or to set the parameter `key`, where it cannot be read, and where it is empty.
inline FileBytes file_bytes(const std::string& path, const std::string& key, const std::string& get,
                            std::uint64_t most = most_file_bytes + 1) {
    struct stat facts;
    FileBytes read{path, {}};
    if (::stat(path.c_str(), &facts) != 0) {
        if (errno != ENOENT) throw unreadable(path, std::strerror(errno));
        read.path += ".gz";
        if (::stat(read.path.c_str(), &facts) != 0)
            throw Error(path + ": there is no such file; fetch it with: marginalia data get " + get + ", or set " +
                        key + " to where it is");
    }
    read.bytes = file_contents(read.path, most);
    if (read.bytes.empty())
        throw Error(read.path + ": the file is empty; remove it and fetch it with: marginalia data get " + get);
    return read;
}

// The same for text: see marginalia/files.h.
inline FileBytes file_text(const std::string& path, const std::string& key, const std::string& get) {
    FileBytes read = file_bytes(path, key, get);
    read.bytes = clean_text(std::move(read.bytes), read.path);
    return read;
}

}  // namespace marginalia
