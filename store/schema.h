// The store's layout and how an older file is brought up to date. Internal to store/.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string_view>

#include "store/connection.h"
#include "store/split_config.h"

namespace marginalia::store {

// SQL that takes a file from layout version i to i + 1; only ever appended to. The file's version is its user_version.
std::span<const std::string_view> migrations();

// Makes a new store with the newest layout. The file appears complete, with what `fill` puts into it, or not at all;
// one that another process made meanwhile is left as it is, and then false is returned.
using FillStore = std::function<void(Connection&)>;
bool create_store(const std::filesystem::path& file, std::span<const std::string_view> steps = migrations(),
                  const FillStore& fill = {});

// Copies a store, of which this is the connection, into a new file. It appears whole or not at all. false: there is
// something of that name.
bool copy_store(Connection& from, const std::filesystem::path& to);

// Brings an open file up to date in one transaction. Throws Kind::newer if its version is beyond the last step. What
// layout 3 keeps apart is taken apart by `split`; without one it stays together.
void migrate(Connection& connection, const SplitConfig& split, std::span<const std::string_view> steps = migrations());

// The step to layout 3 for rows, in a transaction of the caller's: trials whose config still says how they are
// evaluated get that as an evaluation, which their figures belong to. Of several trials of an experiment that now are
// one, the first that is done, else the first, keeps the identity and gets the others' finished evaluations beside its
// own; the others keep their rows, figures and old config_hash, by which nothing that is planned finds them.
void split_configs(Connection& connection, const SplitConfig& split);

// The view `trials` over a table or view of trials, and the view `evaluations` over that.
std::string views_over(std::string_view trial, std::string_view temporary);

// For readers, who do not migrate: throws unless the file has the newest layout.
void check_version(Connection& connection, std::span<const std::string_view> steps = migrations());

}  // namespace marginalia::store
