// States to try a plugin with.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include <marginalia/states.h>

namespace marginalia {

// Rows of symbols, owned.
struct StateTable {
    std::vector<std::uint8_t> bytes;
    std::size_t width = 0;

    States view() const { return {bytes, width}; }
    State operator[](std::size_t row) const { return view()[row]; }
    std::size_t size() const { return view().size(); }
};

// `random` rows drawn evenly, then one row for each category with all its sites equal.
inline StateTable full_states(std::int64_t sites, std::int64_t categories, std::size_t random, std::uint64_t seed) {
    std::mt19937_64 engine(seed);
    StateTable table{{}, static_cast<std::size_t>(sites)};
    for (std::size_t i = 0; i < random * table.width; ++i) table.bytes.push_back(engine() % categories);
    for (std::int64_t symbol = 0; symbol < categories; ++symbol)
        table.bytes.insert(table.bytes.end(), table.width, static_cast<std::uint8_t>(symbol));
    return table;
}

// The rows of `full` with a random number of random sites unknown (□ = categories).
inline StateTable partial_states(const StateTable& full, std::int64_t categories, std::uint64_t seed) {
    std::mt19937_64 engine(seed);
    StateTable table = full;
    for (std::size_t row = 0; row < table.size(); ++row) {
        const std::size_t known = engine() % (table.width + 1);
        for (std::size_t site = 0; site < table.width; ++site)
            if (engine() % table.width >= known)
                table.bytes[row * table.width + site] = static_cast<std::uint8_t>(categories);
    }
    return table;
}

}  // namespace marginalia
