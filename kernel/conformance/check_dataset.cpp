#include <random>
#include <set>

#include "kernel/conformance/check.h"
#include "kernel/conformance/dataset_checks.h"
#include "kernel/conformance/text_checks.h"

namespace marginalia {
namespace {

constexpr std::size_t rows_tried = 256;

// First, last and random rows of a split.
std::vector<std::size_t> some_rows(std::size_t size) {
    std::vector<std::size_t> rows;
    if (size == 0) return rows;
    std::mt19937_64 random(1);
    rows = {0, size - 1};
    while (rows.size() < rows_tried) rows.push_back(random() % size);
    return rows;
}

std::vector<std::uint8_t> row_of(const Dataset& dataset, Split split, std::size_t index) {
    std::vector<std::uint8_t> row(dataset.sites(), 255);
    dataset.row(split, index, row);
    return row;
}

std::string row_name(Split split, std::size_t index) {
    return "row " + std::to_string(index) + " of " + split_name(split);
}

std::string check_sizes(const Dataset& dataset) {
    expect(dataset.size(Split::train) > 0, "the train split is empty; there is nothing to learn from");
    std::string sizes;
    for (const Split split : all_splits)
        sizes += (sizes.empty() ? "" : ", ") + std::to_string(dataset.size(split)) + " " + split_name(split);
    return sizes;
}

std::string check_symbols(const Dataset& dataset) {
    std::size_t read = 0;
    for (const Split split : all_splits) {
        for (const std::size_t index : some_rows(dataset.size(split))) {
            for (const std::uint8_t symbol : row_of(dataset, split, index))
                expect(symbol < dataset.categories(),
                       row_name(split, index) + " holds the symbol " + std::to_string(symbol) + "; there are " +
                           std::to_string(dataset.categories()) + " categories (255: row() left it unwritten)");
            ++read;
        }
    }
    return std::to_string(read) + " rows read";
}

std::string check_repeat(const Dataset& dataset) {
    for (const Split split : all_splits) {
        std::vector<std::vector<std::uint8_t>> first;
        const auto indices = some_rows(dataset.size(split));
        for (const std::size_t index : indices) first.push_back(row_of(dataset, split, index));
        const auto compare = [&](std::size_t thread) {
            for (std::size_t i = 0; i < indices.size(); ++i) {
                const std::size_t at = (i + thread * indices.size() / thread_count) % indices.size();
                expect(row_of(dataset, split, indices[at]) == first[at],
                       row_name(split, indices[at]) +
                           " changed when it was read again; draw random changes once, in the constructor");
            }
        };
        compare(0);
        in_threads(compare);
    }
    return "once more, and from " + std::to_string(thread_count) + " threads at once";
}

std::string check_alike(const Dataset& dataset, const Dataset& other) {
    for (const Split split : all_splits) {
        expect(dataset.size(split) == other.size(split),
               std::string("another dataset made from the same parameters has another number of rows in ") +
                   split_name(split));
        for (const std::size_t index : some_rows(dataset.size(split)))
            expect(row_of(dataset, split, index) == row_of(other, split, index),
                   row_name(split, index) +
                       " differs in another dataset made from the same parameters; draw splits and noise "
                       "from a seed parameter");
    }
    return "same parameters, same rows";
}

std::string check_vocabulary(const Dataset& dataset) {
    const auto words = dataset.vocabulary();
    if (words.empty()) return "none: numbers";
    expect(static_cast<std::int64_t>(words.size()) == dataset.categories(),
           "the vocabulary has " + std::to_string(words.size()) + " entries for " +
               std::to_string(dataset.categories()) + " categories; give one each, or none");
    std::set<std::string> seen;
    for (const std::string& word : words) {
        expect(!word.empty(), "a word of the vocabulary is empty; give each symbol a text");
        expect(seen.insert(word).second, "the vocabulary has '" + word + "' twice; give each symbol a text of its own");
    }
    return std::to_string(words.size()) + " different symbols";
}

std::string measure_speed(const Dataset& dataset) {
    const auto indices = some_rows(dataset.size(Split::train));
    std::vector<std::uint8_t> row(dataset.sites());
    const double seconds = seconds_of([&] {
        for (const std::size_t index : indices) dataset.row(Split::train, index, row);
    });
    const double rate = static_cast<double>(indices.size()) / seconds;
    return rounded(rate) + " rows/s; a step of 512 rows: " + rounded(512e3 / rate) + " ms on one core";
}

// Rows of the dataset itself, then random ones, so that every symbol is printed.
StateTable states_to_print(const Dataset& dataset) {
    StateTable table{{}, static_cast<std::size_t>(dataset.sites())};
    for (const std::size_t index : some_rows(dataset.size(Split::train))) {
        const auto row = row_of(dataset, Split::train, index);
        table.bytes.insert(table.bytes.end(), row.begin(), row.end());
    }
    const StateTable random = full_states(dataset.sites(), dataset.categories(), 16, 1);
    table.bytes.insert(table.bytes.end(), random.bytes.begin(), random.bytes.end());
    return table;
}

}  // namespace

const char* split_name(Split split) {
    return split == Split::train ? "train" : split == Split::validation ? "validation" : "test";
}

void check_dataset(const DatasetMaker& make, Checker& checker) {
    std::unique_ptr<const Dataset> dataset;
    const auto made = [&] {
        dataset = make();
        expect(dataset != nullptr, "the factory returned nothing; return new YourDataset(params)");
        return "";
    };
    if (!checker.run("a dataset can be made", made)) return;
    checker.run("the layout has as many sites as the dataset", [&] { return check_layout(*dataset); });
    if (!checker.run("the splits have rows", [&] { return check_sizes(*dataset); })) return;
    const bool symbols = checker.run("every symbol is a category", [&] { return check_symbols(*dataset); });
    if (!checker.run("the same row is the same bytes", [&] { return check_repeat(*dataset); }))
        return checker.leave_out("whatever compares rows", "mend row() first");
    checker.run("two datasets made alike agree", [&] { return check_alike(*dataset, *make()); });
    checker.run("the splits are disjoint", [&] { return check_disjoint(*dataset); });
    const bool words = checker.run("the vocabulary names each category", [&] { return check_vocabulary(*dataset); });
    if (symbols && words) {
        const StateTable full = states_to_print(*dataset);
        check_texts(*dataset, full, partial_states(full, dataset->categories(), 2), checker);
    } else {
        checker.leave_out("text() and parse()", "mend symbols and vocabulary first");
    }
    checker.run("speed", [&] { return measure_speed(*dataset); });
}

}  // namespace marginalia
