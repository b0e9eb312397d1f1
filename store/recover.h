// What can still be read of a damaged store, in a new one.
#pragma once

#include <cstdint>
#include <filesystem>

#include "store/split_config.h"

namespace marginalia::store {

struct Recovered {
    struct Count {
        std::int64_t kept = 0;
        std::int64_t lost = 0;  // as far as the rest of the file tells
    };
    Count trials, points, checkpoints;
    std::int64_t other_rows = 0;   // of other tables, that were there and could not be read
    std::int64_t stand_ins = 0;    // rows made in place of lost ones which others need
    bool perhaps_deleted = false;  // it is lost which pages are free, so that rows that had been removed may be back
};

// Makes the store `file` of every intact row of the file `damaged`, which is only read, whatever is wrong with it: rows
// are taken from the pages they lie on, with its log if there is one. What rows refer to and is lost gets a stand-in;
// the rows of a trial of which nothing else is left are lost. The new store appears whole or not at all. Throws
// StoreError if there is something by the name of `file`, or nothing of a store in `damaged`.
Recovered recover_store(const std::filesystem::path& damaged, const std::filesystem::path& file,
                        const SplitConfig& split = {});

}  // namespace marginalia::store
