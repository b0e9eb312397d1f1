#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "kernel/conformance/dataset_checks.h"

namespace marginalia {
namespace {

constexpr std::size_t most_rows = 4'000'000;
constexpr std::size_t run_length = 64;      // equal rows in a row that chance does not explain
constexpr std::size_t fewest_distinct = 4;  // of rows, below which a run says nothing

std::uint64_t hash(std::span<const std::uint8_t> row) {
    std::uint64_t h = 0x9E3779B97F4A7C15ull;
    for (const std::uint8_t symbol : row) {
        h = (h ^ symbol) * 0xBF58476D1CE4E5B9ull;
        h ^= h >> 29;
    }
    return h;
}

struct Rows {
    Split split;
    std::vector<std::uint64_t> hashes;
    std::unordered_map<std::uint64_t, std::uint32_t> counts;
};

Rows read_rows(const Dataset& dataset, Split split) {
    Rows rows{split, {}, {}};
    std::vector<std::uint8_t> row(dataset.sites());
    const std::size_t size = std::min(dataset.size(split), most_rows);
    rows.hashes.reserve(size);
    for (std::size_t index = 0; index < size; ++index) {
        dataset.row(split, index, row);
        ++rows.counts[rows.hashes.emplace_back(hash(row))];
    }
    return rows;
}

// Rows of `rows` that have an equal in the same split.
std::size_t repeated(const Rows& rows) {
    std::size_t count = 0;
    for (const auto& [key, times] : rows.counts) count += times > 1 ? times : 0;
    return count;
}

void expect_no_run(const Rows& part, const Rows& whole) {
    if (part.hashes.size() < run_length || part.counts.size() < fewest_distinct) return;
    const auto found =
        std::search(whole.hashes.begin(), whole.hashes.end(), part.hashes.begin(), part.hashes.begin() + run_length);
    expect(found == whole.hashes.end(), std::string("rows 0 to ") + std::to_string(run_length - 1) + " of " +
                                            split_name(part.split) + " are rows " +
                                            std::to_string(found - whole.hashes.begin()) + " and on of " +
                                            split_name(whole.split) + "; give each split rows of its own");
}

std::string compare(const Rows& part, const Rows& whole) {
    std::size_t shared = 0;
    for (const std::uint64_t key : part.hashes) shared += whole.counts.contains(key);
    const auto size = static_cast<double>(part.hashes.size()), others = static_cast<double>(whole.hashes.size());
    const auto repeats = static_cast<double>(repeated(whole));
    const double expected = size * repeats / others;
    const double sigma = std::sqrt(std::max(expected, 1.0)) + size * std::sqrt(2 * (repeats + 1)) / others;
    expect(static_cast<double>(shared) <= expected + 5 * sigma,
           std::to_string(shared) + " of the " + std::to_string(part.hashes.size()) + " rows of " +
               split_name(part.split) + " are in " + split_name(whole.split) +
               " as well, where independent rows would share about " + rounded(expected) +
               "; take duplicates out before you split");
    expect_no_run(part, whole);
    return std::to_string(shared) + " rows of " + split_name(part.split) + " in " + split_name(whole.split);
}

}  // namespace

std::string check_disjoint(const Dataset& dataset) {
    std::vector<Rows> splits;
    for (const Split split : all_splits)
        if (dataset.size(split) > 0) splits.push_back(read_rows(dataset, split));
    std::string found;
    for (std::size_t i = 0; i < splits.size(); ++i)
        for (std::size_t j = i + 1; j < splits.size(); ++j) {
            const bool first_is_part = splits[i].hashes.size() <= splits[j].hashes.size();
            found +=
                (found.empty() ? "" : ", ") + compare(splits[first_is_part ? i : j], splits[first_is_part ? j : i]);
        }
    return found.empty() ? "one split only" : found;
}

}  // namespace marginalia
