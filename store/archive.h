// Trials in a store of their own, to be kept elsewhere or handed on.
#pragma once

#include <filesystem>
#include <span>

#include "store/store.h"

namespace marginalia::store {

// Copies trials, with everything that they have and by their own numbers, into a new store, which is there whole or
// not at all; the other is only read, and others may write to it meanwhile. What is running is lost in the copy, which
// nobody goes on with. Throws Kind::failed where the name is taken.
void archive_trials(const std::filesystem::path& from, std::span<const TrialId> trials,
                    const std::filesystem::path& to);

}  // namespace marginalia::store
