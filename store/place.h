// Where a store may lie, and whether a file is one: looked at without SQLite, so that nothing is touched.
// Internal to store/, but for check_name().
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace marginalia::store {

inline constexpr std::uint32_t application_id = 0x4d617267;  // "Marg", in the file's header

// statfs's f_type of the filesystem that holds a folder.
using FilesystemType = std::function<std::uint64_t(const std::filesystem::path& folder)>;
std::uint64_t filesystem_type(const std::filesystem::path& folder);
// "nfs", "smb" and so on; empty for a filesystem that belongs to this machine.
std::string_view network_filesystem_name(std::uint64_t type);

std::filesystem::path folder_of(const std::filesystem::path& file);

// Throws a StoreError for a name that is none, that SQLite would take for something else than a file (":memory:",
// "file:..."), that cannot be printed on a line, or that leaves no room for the names of the files beside it.
void check_name(const std::filesystem::path& file);

// Throws a StoreError unless a store could be made or written at `file`: its folder exists, both can be written, and
// they are not on a network, the file has one name, and there is no log without a file.
void check_place_to_write(const std::filesystem::path& file, const FilesystemType& type = filesystem_type);

// Throws unless `file` is a store (of whatever version) by its header, as long as that says.
void check_is_store(const std::filesystem::path& file);

// How a store that is to be read lies there: with a log that holds something (a writer is at work, or was killed), or
// at rest in a place that can be written or cannot (a network counts as such).
enum class Rest { in_use, writable, read_only };
Rest rest_of(const std::filesystem::path& file);
std::string immutable_uri(const std::filesystem::path& file);
std::string read_only_uri(const std::filesystem::path& file);

}  // namespace marginalia::store
