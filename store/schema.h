// The store's layout and how an older file is brought up to date. Internal to store/.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

#include "store/connection.h"

namespace marginalia::store {

// SQL that takes a file from layout version i to i + 1; only ever appended to. The file's version is its user_version.
std::span<const std::string_view> migrations();

// Makes a new store with the newest layout. The file appears complete or not at all; one that another process made
// meanwhile is left as it is.
void create_store(const std::filesystem::path& file, std::span<const std::string_view> steps = migrations());

// Copies a store, of which this is the connection, into a new file. It appears whole or not at all. false: there is
// something of that name.
bool copy_store(Connection& from, const std::filesystem::path& to);

// Brings an open file up to date in one transaction. Throws Kind::newer if its version is beyond the last step.
void migrate(Connection& connection, std::span<const std::string_view> steps = migrations());

// For readers, who do not migrate: throws unless the file has the newest layout.
void check_version(Connection& connection, std::span<const std::string_view> steps = migrations());

}  // namespace marginalia::store
