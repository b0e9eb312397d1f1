// Brings trials home that were run from a copy of the store elsewhere: the shards of a job.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "store/store.h"

namespace marginalia::store {

// Gives `to` copies of these trials, with everything that they have and their numbers.
void copy_trials(const std::filesystem::path& from, std::span<const TrialId> trials, Store& to);

// What became of the trials of a shard.
struct Merged {
    std::size_t added = 0;  // that the store did not have
    std::size_t updated = 0;
    std::size_t same = 0;     // of which the store has as much already
    std::size_t running = 0;  // that somebody runs from the store itself: left alone
    std::vector<std::string>
        conflicts;  // trained here and there apart, with different results: the store keeps its own
    Merged& operator+=(const Merged& other);
};

// Takes from a shard what the store does not have or has less of, in one transaction: killed at any moment it can be
// given again, and so it can while the shard's trials run on, whose copies grow. `engine`: who runs those that have not
// ended, as "slurm:12", so that nobody else claims them; empty: nobody does any more, and what was running is lost.
// Throws StoreError about the shard or the store.
Merged merge_shard(Store& store, const std::filesystem::path& shard, const std::string& engine);

}  // namespace marginalia::store
