// What the files that check datasets share.
#pragma once

#include <marginalia/dataset.h>

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "kernel/worker/check/checker.h"

namespace marginalia {

constexpr Split all_splits[] = {Split::train, Split::validation, Split::test};
const char* split_name(Split split);

std::string row_name(Split split, std::size_t index);  // "row 3 of test"

// A row, read into a guarded buffer of 255s.
std::vector<std::uint8_t> row_of(const Dataset& dataset, Split split, std::size_t index);

// The rows of a split, by their hashes.
struct SplitRows {
    Split split;
    std::size_t size = 0;               // of the split
    double states = 0;                  // that a row can have: K^D, infinity beyond a double's range
    std::vector<std::uint64_t> hashes;  // of the rows read, in order
    std::unordered_map<std::uint64_t, std::uint32_t> counts;  // how often each occurs among them
};

// Reads up to `limit` rows. Throws Error where one holds a symbol that is no category.
constexpr std::size_t most_rows_read = 4'000'000;
SplitRows read_split(const Dataset& dataset, Split split, std::size_t limit = most_rows_read);

// No split holds rows of another. Where rows of the larger split have equals there, as many shared rows are let pass as
// independent draws have, for how often a row has an equal in its own split says how often a fresh row would; where all
// its rows differ, none is. A split that stands in another whole, or whose first 64 rows do in order, is found whatever
// its rows are, unless chance alone puts it there once in a thousand times.
std::string check_disjoint(const std::vector<SplitRows>& splits);

}  // namespace marginalia
