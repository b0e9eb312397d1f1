#include "molecule-properties/value_cache.h"

#include <algorithm>

namespace molecule_properties {
namespace {

// What an entry takes beside its key's and its values' bytes: its node, its place in the table, two blocks of the heap.
constexpr std::size_t overhead = 120;

}  // namespace

ValueCache::ValueCache(std::size_t bytes, std::size_t values) : bytes_(bytes / (2 * shard_count)), values_(values) {}

bool ValueCache::find(const std::string& key, double* values) {
    if (bytes_ == 0) return false;
    Shard& mine = shard(key);
    const std::lock_guard lock(mine.mutex);
    if (const auto found = mine.young.find(key); found != mine.young.end()) {
        std::copy(found->second.begin(), found->second.end(), values);
        return true;
    }
    const auto found = mine.old.find(key);
    if (found == mine.old.end()) return false;
    std::copy(found->second.begin(), found->second.end(), values);
    add(mine, key, std::move(found->second));
    return true;
}

void ValueCache::put(const std::string& key, const double* values) {
    if (bytes_ == 0) return;
    Shard& mine = shard(key);
    const std::lock_guard lock(mine.mutex);
    add(mine, key, std::vector(values, values + values_));
}

void ValueCache::add(Shard& mine, const std::string& key, std::vector<double> values) {
    const std::size_t size = overhead + key.size() + values_ * sizeof(double);
    if (mine.bytes + size > bytes_) {
        mine.old = std::move(mine.young);
        mine.young.clear();
        mine.bytes = 0;
    }
    if (mine.young.emplace(key, std::move(values)).second) mine.bytes += size;
}

}  // namespace molecule_properties
