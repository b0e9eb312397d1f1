// What of a store's file, and of its trash, nobody needs any more.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "store/queries.h"
#include "store/store.h"

namespace marginalia::store {

struct GarbageOptions {
    double trash_seconds = 0;  // trials that have been in the trash for so long
    // Checkpoints of trials that are done, beyond what the run of a file keeps; null: all stay.
    std::function<Retention(const Sweep&)> retention = nullptr;
};

// One kind of it.
struct Garbage {
    std::string what;  // "trials in the trash"
    std::int64_t count = 0;
    std::int64_t bytes = 0;  // of the disk, as far as the rows tell: pages that become half empty are not counted
};

// Every kind, also those of which there is nothing. Only reads, by whatever way the store was opened.
std::vector<Garbage> find_garbage(Store& store, const GarbageOptions& options);

// Removes it and returns what it was. Each kind is a transaction of its own, and what a killed process has begun, the
// next one ends.
std::vector<Garbage> remove_garbage(Store& store, const GarbageOptions& options);

// Gives free pages of the file back to the disk; other programs wait meanwhile. Throws Kind::full, having changed
// nothing, where there is too little room to write what is left of the file once more beside it and in SQLite's folder
// for temporary files.
void give_back_pages(Store& store);

}  // namespace marginalia::store
