// States to try a plugin with.
#pragma once

#include <marginalia/states.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

namespace marginalia {

// Rows of symbols, owned.
struct StateTable {
    std::vector<std::uint8_t> bytes;
    std::size_t width = 0;

    States view() const { return {bytes, width}; }
    State operator[](std::size_t row) const { return view()[row]; }
    std::size_t size() const { return view().size(); }

    // Adds a row of symbol_of(site).
    template <class SymbolOf>
    void add(const SymbolOf& symbol_of) {
        for (std::size_t site = 0; site < width; ++site) bytes.push_back(static_cast<std::uint8_t>(symbol_of(site)));
    }
};

// Up to 16 rows with a single site unlike all others, the sites spread evenly, first among the lowest symbols and then
// among the highest; alternating symbols in both phases; halves and quarters of a symbol each.
inline void add_extreme_states(StateTable& table, std::int64_t categories) {
    const std::int64_t last = categories - 1;
    const std::size_t width = table.width, singles = std::min<std::size_t>(width, 16);
    for (std::size_t i = 0; i < singles; ++i) {
        const std::size_t odd = i * width / singles;
        table.add([&](std::size_t site) { return site == odd ? last : 0; });
        table.add([&](std::size_t site) { return site == odd ? 0 : last; });
    }
    for (const std::size_t phase : {0, 1}) {
        table.add([&](std::size_t site) { return (site + phase) % 2 == 0 ? 0 : last; });
        for (const std::size_t parts : {2, 4})
            table.add([&](std::size_t site) { return (site * parts / width + phase) % 2 == 0 ? 0 : last; });
    }
}

// `random` rows drawn evenly, then one row for each category with all its sites equal, then the extreme ones.
inline StateTable full_states(std::int64_t sites, std::int64_t categories, std::size_t random, std::uint64_t seed) {
    std::mt19937_64 engine(seed);
    StateTable table{{}, static_cast<std::size_t>(sites)};
    for (std::size_t i = 0; i < random; ++i) table.add([&](std::size_t) { return engine() % categories; });
    for (std::int64_t symbol = 0; symbol < categories; ++symbol) table.add([&](std::size_t) { return symbol; });
    add_extreme_states(table, categories);
    return table;
}

// The rows of `full` with a random number of random sites unknown (□ = categories), and one of nothing but □.
inline StateTable partial_states(const StateTable& full, std::int64_t categories, std::uint64_t seed) {
    std::mt19937_64 engine(seed);
    StateTable table = full;
    for (std::size_t row = 0; row < table.size(); ++row) {
        const std::size_t known = engine() % (table.width + 1);
        for (std::size_t site = 0; site < table.width; ++site)
            if (engine() % table.width >= known)
                table.bytes[row * table.width + site] = static_cast<std::uint8_t>(categories);
    }
    table.add([&](std::size_t) { return categories; });
    return table;
}

}  // namespace marginalia
