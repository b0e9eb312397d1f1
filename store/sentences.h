// The sentences that people read when a store is refused or fails. In one place, so that they agree in tone, and are
// tested word for word. Internal to store/.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "store/error.h"

namespace marginalia::store {

// `code`: SQLite's (extended) result code, `message`: its text, `error`: the errno behind it, 0 if none.
StoreError sqlite_failure(const std::filesystem::path& file, int code, std::string_view message, int error);

StoreError no_file_named(const std::filesystem::path& file);
StoreError misleading_name(const std::filesystem::path& file, std::string_view why);
StoreError no_such_store(const std::filesystem::path& file);
StoreError taken_name(const std::filesystem::path& file);  // of a store that is to be made
StoreError no_such_folder(const std::filesystem::path& file, const std::filesystem::path& folder);
StoreError not_a_store(const std::filesystem::path& file, std::string_view what_it_is);
StoreError newer_store(const std::filesystem::path& file, std::int64_t version, std::int64_t known);
StoreError older_store(const std::filesystem::path& file, std::int64_t version, std::int64_t known);
StoreError unwritable_store(const std::filesystem::path& file, const std::filesystem::path& what, int error);
StoreError network_store(const std::filesystem::path& file, std::string_view filesystem);
StoreError no_shared_memory(const std::filesystem::path& file);
// `error`: the errno behind it, 0 if unknown.
StoreError full_disk(const std::filesystem::path& file, int error = 0);
bool is_lack_of_room(int error);
StoreError linked_store(const std::filesystem::path& file, std::uint64_t names);
StoreError log_without_store(const std::filesystem::path& file);
StoreError moved_store(const std::filesystem::path& file, const std::filesystem::path& rescued);
StoreError lost_store(const std::filesystem::path& file, std::string_view why);

}  // namespace marginalia::store
