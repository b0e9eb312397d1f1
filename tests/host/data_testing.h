// Small data sets, archives with their files, and what is left of a `data get`.
#pragma once

#include <archive.h>
#include <archive_entry.h>
#include <doctest/doctest.h>

#include <sstream>

#include "kernel/base/digest.h"
#include "kernel/host/data/get.h"
#include "tests/plugins/dataset_testing.h"

namespace data_testing {

using namespace dataset_testing;
using namespace marginalia::data;
using marginalia::md5_hex;
using marginalia::md5_of_file;
using marginalia::sha256_hex;

using Members = std::vector<std::pair<std::string, std::string>>;  // name, bytes

// An archive of these members: "zip", "tar" or "raw", compressed by "gzip", "xz" or "none".
inline std::string packed(const Members& members, const std::string& format, const std::string& filter) {
    std::vector<char> buffer(1 << 22);
    std::size_t used = 0;
    archive* a = archive_write_new();
    REQUIRE(archive_write_set_format_by_name(a, format == "tar" ? "pax" : format.c_str()) == ARCHIVE_OK);
    if (filter != "none") REQUIRE(archive_write_add_filter_by_name(a, filter.c_str()) == ARCHIVE_OK);
    archive_write_set_bytes_in_last_block(a, 1);
    REQUIRE(archive_write_open_memory(a, buffer.data(), buffer.size(), &used) == ARCHIVE_OK);
    for (const auto& [name, bytes] : members) {
        archive_entry* entry = archive_entry_new();
        archive_entry_set_pathname(entry, name.c_str());
        archive_entry_set_size(entry, static_cast<la_int64_t>(bytes.size()));
        archive_entry_set_filetype(entry, AE_IFREG);
        archive_entry_set_perm(entry, 0644);
        REQUIRE(archive_write_header(a, entry) == ARCHIVE_OK);
        REQUIRE(archive_write_data(a, bytes.data(), bytes.size()) == static_cast<la_ssize_t>(bytes.size()));
        archive_entry_free(entry);
    }
    REQUIRE(archive_write_close(a) == ARCHIVE_OK);
    archive_write_free(a);
    return {buffer.data(), used};
}

inline std::string gz(const std::string& bytes) { return packed({{"", bytes}}, "raw", "gzip"); }

inline std::string noise(std::size_t size) {
    std::string bytes;
    for (std::uint32_t state = 7; bytes.size() < size; state = state * 1664525 + 1013904223)
        bytes += static_cast<char>(state >> 24);
    return bytes;
}

inline const std::string one = "the first file\n", two = noise(100'000);

inline DataFile file_of(const std::string& name, const std::string& bytes) {
    return {name, bytes.size(), sha256_hex(bytes), md5_hex(bytes)};
}

inline DataSet pair_of_files() {
    DataSet set{"pair", "two files", "pair",           {file_of("one.txt", one), file_of("two.bin", two)},
                {},     "none",      "Ask the author."};
    set.files[1].aliases = {"second.bin"};
    return set;
}

inline std::string get_from(const DataSet& set, const std::string& from, const Folder& folder) {
    std::ostringstream words;
    get(set, from, folder / "cache", words);
    return words.str();
}

inline std::string failure(const DataSet& set, const std::string& from, const Folder& folder) {
    try {
        get_from(set, from, folder);
    } catch (const marginalia::Error& error) {
        return without_folder(error.what(), folder);
    }
    return "";
}

inline void check_whole(const Folder& folder) {
    CHECK(bytes_of(folder / "cache/one.txt") == one);
    CHECK(bytes_of(folder / "cache/two.bin") == two);
    CHECK_FALSE(fs::exists(folder / "cache/.partial"));
}

// Nothing at all is in the cache, not even what could be resumed.
inline void check_nothing(const Folder& folder) {
    if (!fs::exists(folder / "cache")) return;
    for (const auto& entry : fs::directory_iterator(folder / "cache")) FAIL_CHECK("left behind: ", entry.path());
}

}  // namespace data_testing
