#include <algorithm>
#include <random>
#include <set>

#include "kernel/worker/check/check.h"
#include "kernel/worker/check/dataset_checks.h"
#include "kernel/worker/check/guarded.h"
#include "kernel/worker/check/variables_checks.h"

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

std::string check_sizes(const Dataset& dataset) {
    expect(dataset.size(Split::train) > 0, "the train split is empty; there is nothing to learn from");
    std::string sizes;
    for (const Split split : all_splits)
        sizes += (sizes.empty() ? "" : ", ") + std::to_string(dataset.size(split)) + " " + split_name(split);
    return sizes;
}

std::string check_symbols(const Dataset& dataset, std::vector<SplitRows>& splits) {
    std::size_t read = 0, all = 0;
    for (const Split split : all_splits) {
        splits.push_back(read_split(dataset, split));
        read += splits.back().hashes.size();
        all += splits.back().size;
    }
    return std::to_string(read) + (read < all ? " rows of " + std::to_string(all) + " read" : " rows read");
}

std::string check_repeat(const Dataset& dataset) {
    for (const Split split : all_splits) {
        const auto indices = some_rows(dataset.size(split));
        std::vector<std::vector<std::uint8_t>> first;
        for (const std::size_t index : indices) first.push_back(row_of(dataset, split, index));
        for (std::size_t i = indices.size(); i-- > 0;)
            expect(row_of(dataset, split, indices[i]) == first[i],
                   row_name(split, indices[i]) +
                       " changed when it was read again; draw random changes once, in the constructor");
    }
    return "once more, in reverse order";
}

// A fresh dataset, so that what it may keep of the rows is not there yet.
std::string check_threads(const Dataset& dataset, const Dataset& fresh) {
    for (const Split split : all_splits) {
        const auto indices = some_rows(dataset.size(split));
        std::vector<std::vector<std::uint8_t>> alone;
        for (const std::size_t index : indices) alone.push_back(row_of(dataset, split, index));
        in_threads([&](std::size_t thread) {
            for (std::size_t i = 0; i < indices.size(); ++i) {
                const std::size_t at = (i + thread * indices.size() / thread_count) % indices.size();
                expect(row_of(fresh, split, indices[at]) == alone[at],
                       row_name(split, indices[at]) +
                           " is another one while other threads read rows; row() must not change the object: keep "
                           "caches and scratch space local, or behind a lock");
            }
        });
    }
    return std::to_string(thread_count) + " at once";
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
    if (words.empty()) throw NotApplicable{"none: numbers"};
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

std::string check_description(const Dataset& dataset, const DescribedMaker& describe) {
    const RowDescription described{dataset.sites(), dataset.categories(), dataset.layout(), dataset.vocabulary()};
    const std::unique_ptr<const Dataset> other = describe(described);
    if (!other) throw NotApplicable{"not offered: whoever asks a trained model reads the files"};
    const auto same = [](bool alike, const std::string& what) {
        expect(alike, "a dataset made from the description of this one has " + what +
                          "; take sites, categories, layout and vocabulary from the description");
    };
    same(other->sites() == dataset.sites() && other->categories() == dataset.categories(), "other sites or categories");
    same(other->layout().shape == dataset.layout().shape && other->layout().periodic == dataset.layout().periodic,
         "another layout");
    same(other->vocabulary() == dataset.vocabulary(), "another vocabulary");
    for (const Split split : all_splits) same(other->size(split) == 0, std::string("rows in ") + split_name(split));
    const StateTable full = states_to_print(dataset);
    for (std::size_t row = 0; row < full.size(); ++row) {
        same(other->text(full[row]) == dataset.text(full[row]), "another text() of the same state");
        same(other->identity(full[row]) == dataset.identity(full[row]), "another identity() of the same state");
        same(other->picture(full[row]) == dataset.picture(full[row]), "another picture() of the same state");
        std::vector<std::uint8_t> back(full.width);
        other->parse(dataset.text(full[row]), back);
        same(std::ranges::equal(back, full[row]), "another parse() of the same line");
    }
    return "text(), parse(), identity() and picture() are the same, without files";
}

}  // namespace

const char* split_name(Split split) {
    return split == Split::train ? "train" : split == Split::validation ? "validation" : "test";
}

std::string row_name(Split split, std::size_t index) {
    return "row " + std::to_string(index) + " of " + split_name(split);
}

std::vector<std::uint8_t> row_of(const Dataset& dataset, Split split, std::size_t index) {
    Guarded<std::uint8_t> row(static_cast<std::size_t>(dataset.sites()), 255);
    dataset.row(split, index, row.span());
    row.expect_intact("row() of " + row_name(split, index));
    return row.values();
}

void check_dataset(const DatasetMaker& make, Checker& checker, const DescribedMaker& describe) {
    const std::unique_ptr<const Dataset> dataset = make();
    checker.run("the layout has as many sites as the dataset", [&] { return check_layout(*dataset); });
    if (!checker.run("the splits have rows", [&] { return check_sizes(*dataset); })) return;
    std::vector<SplitRows> splits;
    const bool symbols = checker.run("every symbol is a category", [&] { return check_symbols(*dataset, splits); });
    if (!checker.run("the same row is the same bytes", [&] { return check_repeat(*dataset); }))
        return checker.leave_out("whatever compares rows", "mend row() first");
    const bool alike = checker.run("two datasets made alike agree", [&] { return check_alike(*dataset, *make()); });
    if (symbols) checker.run("the splits are disjoint", [&] { return check_disjoint(splits); });
    else checker.leave_out("the splits are disjoint", "mend the symbols first");
    const bool words = checker.run("the vocabulary names each category", [&] { return check_vocabulary(*dataset); });
    if (symbols && words) {
        const StateTable full = states_to_print(*dataset);
        check_texts(*dataset, full, partial_states(full, dataset->categories(), 2), checker);
        checker.run("a description is enough for questions", [&] { return check_description(*dataset, describe); });
    } else {
        checker.leave_out("text() and parse()", "mend symbols and vocabulary first");
    }
    checker.run("speed", [&] { return measure_speed(*dataset); });
    // Last, since threads that write to one another's memory may leave the process in any state.
    if (alike) checker.run("threads do not disturb one another", [&] { return check_threads(*dataset, *make()); });
    else checker.leave_out("threads do not disturb one another", "mend the constructor first");
}

}  // namespace marginalia
