// Values already computed, kept in bounded memory.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace molecule_properties {

// From text to a fixed number of values. Two generations: new entries go to the young one, and when it is full the old
// one is dropped and the young one becomes old; an old entry that is asked for is young again. All methods from several
// threads at once.
class ValueCache {
public:
    // bytes: about how much memory all entries may take; 0: nothing is kept. values: of each entry.
    ValueCache(std::size_t bytes, std::size_t values);

    // Writes the entry's values, if it is there.
    bool find(const std::string& key, double* values);
    void put(const std::string& key, const double* values);

private:
    using Map = std::unordered_map<std::string, std::vector<double>>;
    struct Shard {
        std::mutex mutex;
        Map young, old;
        std::size_t bytes = 0;  // of the young
    };

    Shard& shard(const std::string& key) { return shards_[std::hash<std::string>{}(key) % shard_count]; }
    void add(Shard& shard, const std::string& key, std::vector<double> values);

    const std::size_t bytes_, values_;  // of a generation of one shard; of an entry
    static constexpr std::size_t shard_count = 16;
    std::array<Shard, shard_count> shards_;
};

}  // namespace molecule_properties
