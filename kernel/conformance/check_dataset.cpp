#include <random>

#include "kernel/conformance/check.h"

namespace marginalia {
namespace {

constexpr Split splits[] = {Split::train, Split::validation, Split::test};
constexpr const char* split_names[] = {"train", "validation", "test"};
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

std::string check_shape(const Dataset& dataset) {
    const Layout layout = dataset.layout();
    std::int64_t product = 1;
    for (const std::int64_t extent : layout.shape) product *= extent;
    expect(!layout.shape.empty() && product == dataset.sites(),
           "the layout's extents multiply to " + std::to_string(product) + ", not to the " +
               std::to_string(dataset.sites()) + " sites; make layout().shape multiply to the sites");
    return std::to_string(dataset.sites()) + " sites of " + std::to_string(dataset.categories()) + " categories";
}

std::string check_sizes(const Dataset& dataset) {
    expect(dataset.size(Split::train) > 0, "the train split is empty");
    std::string sizes;
    for (std::size_t i = 0; i < std::size(splits); ++i)
        sizes += (i > 0 ? ", " : "") + std::to_string(dataset.size(splits[i])) + " " + split_names[i];
    return sizes;
}

std::string check_symbols(const Dataset& dataset) {
    std::size_t read = 0;
    for (std::size_t i = 0; i < std::size(splits); ++i) {
        for (const std::size_t index : some_rows(dataset.size(splits[i]))) {
            for (const std::uint8_t symbol : row_of(dataset, splits[i], index))
                expect(symbol < dataset.categories(),
                       "row " + std::to_string(index) + " of " + split_names[i] + " holds the symbol " +
                           std::to_string(symbol) + "; there are " + std::to_string(dataset.categories()) +
                           " categories");
            ++read;
        }
    }
    return std::to_string(read) + " rows read";
}

std::string check_repeat(const Dataset& dataset) {
    std::vector<std::vector<std::uint8_t>> first;
    const auto indices = some_rows(dataset.size(Split::train));
    for (const std::size_t index : indices) first.push_back(row_of(dataset, Split::train, index));
    const auto compare = [&] {
        for (std::size_t i = 0; i < indices.size(); ++i)
            expect(row_of(dataset, Split::train, indices[i]) == first[i],
                   "row " + std::to_string(indices[i]) + " of train changed when it was read again; draw random "
                   "changes once, in the constructor");
    };
    compare();
    in_threads(compare);
    return "once more, and from four threads at a time";
}

std::string check_vocabulary(const Dataset& dataset) {
    const auto words = dataset.vocabulary();
    expect(words.empty() || static_cast<std::int64_t>(words.size()) == dataset.categories(),
           "the vocabulary has " + std::to_string(words.size()) + " entries for " +
               std::to_string(dataset.categories()) + " categories; give one each, or none");
    return words.empty() ? "none" : std::to_string(words.size()) + " symbols";
}

}  // namespace

void check_dataset(const Dataset& dataset, Checker& checker) {
    checker.run("the layout has as many sites as the dataset", [&] { return check_shape(dataset); });
    checker.run("the splits have rows", [&] { return check_sizes(dataset); });
    checker.run("every symbol is a category", [&] { return check_symbols(dataset); });
    checker.run("the same row is the same bytes", [&] { return check_repeat(dataset); });
    checker.run("the vocabulary names each category", [&] { return check_vocabulary(dataset); });
}

}  // namespace marginalia
