#include <algorithm>
#include <cmath>

#include "kernel/worker/check/dataset_checks.h"

namespace marginalia {
namespace {

constexpr std::size_t longest_run = 64;  // equal rows in a row that are looked for
constexpr double chance = 1e-3;          // of what has to be a leak

std::uint64_t hash(std::span<const std::uint8_t> row) {
    std::uint64_t h = 0x9E3779B97F4A7C15ull;
    for (const std::uint8_t symbol : row) {
        h = (h ^ symbol) * 0xBF58476D1CE4E5B9ull;
        h ^= h >> 29;
    }
    return h;
}

// Rows of `rows` that have an equal in the same split.
std::size_t repeated(const SplitRows& rows) {
    std::size_t count = 0;
    for (const auto& [key, times] : rows.counts) count += times > 1 ? times : 0;
    return count;
}

// Whether the first rows of `part` stand in `whole` one after another, unless so few rows differ that chance explains
// it.
void expect_no_run(const SplitRows& part, const SplitRows& whole) {
    const std::size_t length = std::min(longest_run, part.hashes.size());
    const auto run_end = part.hashes.begin() + static_cast<std::ptrdiff_t>(length);
    const auto found = std::search(whole.hashes.begin(), whole.hashes.end(), part.hashes.begin(), run_end);
    if (found == whole.hashes.end()) return;
    const auto others = static_cast<double>(whole.hashes.size());
    double expected = others;  // number of such runs, were the rows independent
    for (auto key = part.hashes.begin(); key != run_end; ++key) expected *= whole.counts.at(*key) / others;
    expect(expected > chance, std::string("rows 0 to ") + std::to_string(length - 1) + " of " + split_name(part.split) +
                                  " are rows " + std::to_string(found - whole.hashes.begin()) + " and on of " +
                                  split_name(whole.split) + "; give each split rows of its own");
}

// How many rows of `part` may have an equal in `whole`: what chance explains at 5 sigma, and not all of them where that
// is unlikely. Where no row of `whole` repeats, a row of it is drawn again at most 6 / others of the times (95 %), and
// in a large space of states, where even rows would meet `others` of them about others / states of the times, next to
// never.
double most_shared(double size, double repeats, double others, double states) {
    if (repeats == 0) {
        const double expected = size * std::min(6 / others, 3 * others / states);
        return std::min(expected + 5 * std::sqrt(expected), std::pow(6 / others, size) > chance ? size : size - 1);
    }
    const double expected = size * repeats / others;
    const double sigma = std::sqrt(std::max(expected, 1.0)) + size * std::sqrt(2 * (repeats + 1)) / others;
    const bool all_by_chance = std::pow(repeats / others, size) > chance;
    return std::min(expected + 5 * sigma, all_by_chance ? size : size - 1);
}

std::string compare(const SplitRows& part, const SplitRows& whole) {
    std::size_t shared = 0;
    for (const std::uint64_t key : part.hashes) shared += whole.counts.contains(key);
    const auto size = static_cast<double>(part.hashes.size()), others = static_cast<double>(whole.hashes.size());
    const auto repeats = static_cast<double>(repeated(whole));
    expect(static_cast<double>(shared) <= most_shared(size, repeats, others, whole.states),
           std::to_string(shared) + " of the " + std::to_string(part.hashes.size()) + " rows of " +
               split_name(part.split) + " are in " + split_name(whole.split) +
               " as well, where independent rows would share about " + rounded(size * repeats / others) +
               "; take duplicates out before you split");
    expect_no_run(part, whole);
    return std::to_string(shared) + " rows of " + split_name(part.split) + " in " + split_name(whole.split);
}

void expect_categories(const Dataset& dataset, Split split, std::size_t index, std::span<const std::uint8_t> row) {
    for (const std::uint8_t symbol : row)
        expect(symbol < dataset.categories(), row_name(split, index) + " holds the symbol " + std::to_string(symbol) +
                                                  "; there are " + std::to_string(dataset.categories()) +
                                                  " categories (255: row() left it unwritten)");
}

}  // namespace

SplitRows read_split(const Dataset& dataset, Split split, std::size_t limit) {
    const double states = std::pow(static_cast<double>(dataset.categories()), static_cast<double>(dataset.sites()));
    SplitRows rows{split, dataset.size(split), states, {}, {}};
    const std::size_t size = std::min(rows.size, limit);
    rows.hashes.reserve(size);
    for (std::size_t index = 0; index < size; ++index) {
        const auto row = row_of(dataset, split, index);
        expect_categories(dataset, split, index, row);
        ++rows.counts[rows.hashes.emplace_back(hash(row))];
    }
    return rows;
}

std::string check_disjoint(const std::vector<SplitRows>& all) {
    std::vector<const SplitRows*> splits;
    std::string found, unread;
    for (const SplitRows& rows : all) {
        if (rows.size > 0) splits.push_back(&rows);
        if (rows.hashes.size() < rows.size)
            unread += "; only the first " + std::to_string(rows.hashes.size()) + " of " + std::to_string(rows.size) +
                      " rows of " + split_name(rows.split) + " were compared";
    }
    if (splits.size() < 2) throw NotApplicable{"one split only"};
    for (std::size_t i = 0; i < splits.size(); ++i)
        for (std::size_t j = i + 1; j < splits.size(); ++j) {
            const bool first_is_part = splits[i]->hashes.size() <= splits[j]->hashes.size();
            found +=
                (found.empty() ? "" : ", ") + compare(*splits[first_is_part ? i : j], *splits[first_is_part ? j : i]);
        }
    return found + unread;
}

}  // namespace marginalia
