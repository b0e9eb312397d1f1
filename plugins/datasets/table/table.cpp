// A dataset of small integers from a .csv or .npy file.
#include <marginalia/dataset.h>
#include <marginalia/lists.h>
#include <marginalia/npy.h>
#include <marginalia/text_reader.h>

#include <algorithm>
#include <charconv>
#include <numeric>
#include <utility>

namespace {

using marginalia::Error;
using marginalia::Parameter;
using marginalia::ParameterType;
using marginalia::Split;

constexpr std::int64_t most_categories = 255;

constexpr Parameter parameters[] = {
    {.name = "file",
     .type = ParameterType::path,
     .help = ".csv of whole numbers 0 to 254, a row a line, or .npy of rows (of any shape)"},
    {.name = "test_file",
     .type = ParameterType::path,
     .fallback = "\"\"",
     .help = "test rows in a file of their own; empty: taken from `file`"},
    {.name = "validation",
     .type = ParameterType::number,
     .fallback = "0.1",
     .minimum = 0,
     .maximum = 0.9,
     .help = "fraction of the rows of `file` kept for validation"},
    {.name = "test",
     .type = ParameterType::number,
     .fallback = "0.1",
     .minimum = 0,
     .maximum = 0.9,
     .help = "fraction of the rows of `file` kept for the test; without meaning beside test_file"},
    {.name = "shuffle",
     .type = ParameterType::boolean,
     .fallback = "true",
     .help = "split the rows at random, the same way each time; false: in file order, train first"},
    {.name = "categories",
     .type = ParameterType::integer,
     .fallback = "0",
     .minimum = 0,
     .maximum = most_categories,
     .help = "K, the number of symbols; 0: the largest in the files and 1"},
    {.name = "shape",
     .type = ParameterType::text,
     .fallback = "\"\"",
     .help = "how the sites of a row lie, such as \"28,28\" of pictures; empty: as in the file, of a .csv in a line"},
};

constexpr const char* manual = R"(
Rows of small whole numbers, such as binarised pictures, spins or codes, from one file. A .csv file has a row a line,
divided by commas or blanks; a first line of words is taken as a header. A .npy file has rows along its first axis; the other
axes are the layout, so that pictures of (N, 28, 28) are known to be 28 x 28; of a .csv file, `shape` says it.

The three splits are disjoint: the first rows of the (shuffled) file are for training, then validation, then test.

References: the .npy format is described in numpy.lib.format of the NumPy manual.
)";

// Rows of equal width as read from one file.
struct Rows {
    std::vector<std::uint8_t> symbols;
    std::vector<std::int64_t> shape;  // of one row
};

bool begins_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '"'; }

std::uint8_t symbol_of(std::string_view token, const marginalia::TextReader& reader) {
    int value = -1;
    const auto [stop, error] = std::from_chars(token.data(), token.data() + token.size(), value);
    if (error != std::errc() || stop != token.data() + token.size() || value < 0 || value >= most_categories)
        reader.fail("'" + std::string(token.substr(0, 40)) + "' is no symbol; symbols are whole numbers from 0 to 254");
    return static_cast<std::uint8_t>(value);
}

Rows read_csv(const std::string& path) {
    marginalia::TextReader reader(path, ",;");
    Rows rows;
    std::int64_t width = 0, in_line = 0;
    for (bool first = true; !reader.at_end(); first = false) {
        const std::string_view token = reader.word("a symbol");
        if (first && begins_name(token[0])) {  // a header
            while (!reader.at_end() && !reader.at_new_line()) reader.word("a column's name");
            continue;
        }
        rows.symbols.push_back(symbol_of(token, reader));
        ++in_line;
        if (!reader.at_end() && !reader.at_new_line()) continue;
        if (width != 0 && in_line != width)
            reader.fail("this row has " + std::to_string(in_line) + " numbers and the first one " +
                        std::to_string(width) + "; give every row the same");
        width = std::exchange(in_line, 0);
    }
    if (rows.symbols.empty()) throw Error(path + ": there are no rows in this file");
    rows.shape = {width};
    return rows;
}

Rows read_array(const std::string& path) {
    auto array = marginalia::read_npy<std::uint8_t>(path);
    if (array.shape.size() < 2 || array.values.empty())
        throw Error(path + ": the array has " + std::to_string(array.shape.size()) + " axes and " +
                    std::to_string(array.values.size()) +
                    " elements; give rows of sites, shape (N, D) or (N, rows, columns)");
    return {std::move(array.values), {array.shape.begin() + 1, array.shape.end()}};
}

std::int64_t sites_of(const std::vector<std::int64_t>& shape) {
    return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
}

// "28,28": 28 and 28.
std::vector<std::int64_t> sides(std::string_view text) {
    constexpr std::int64_t most = 1'000'000;  // of one side, and of all sites
    const auto list = marginalia::whole_numbers(text, 1, most);
    std::int64_t sites = 1;
    for (const std::int64_t side : list ? *list : std::vector<std::int64_t>{}) sites = std::min(sites * side, most + 1);
    if (!list) throw Error("shape = \"" + std::string(text) + "\" is not a list of sides; give such as \"28,28\"");
    if (sites > most)
        throw Error("shape = \"" + std::string(text) + "\" has more than " + std::to_string(most) +
                    " sites; give smaller sides");
    return *list;
}

Rows read_rows(const std::string& path, const std::string& shape) {
    Rows rows = path.ends_with(".npy") ? read_array(path) : read_csv(path);
    if (shape.empty()) return rows;
    const std::int64_t sites = sites_of(rows.shape);
    rows.shape = sides(shape);
    if (sites_of(rows.shape) != sites)
        throw Error(path + ": a row has " + std::to_string(sites) + " symbols, and shape = \"" + shape + "\" is of " +
                    std::to_string(sites_of(rows.shape)) + "; give the sides of a row");
    return rows;
}

struct Contents {
    Rows rows;
    std::vector<std::uint8_t> test;  // rows of test_file
    std::int64_t sites = 0, categories = 0;
};

Contents read_contents(const marginalia::Params& p) {
    const std::string &file = p.text("file"), &shape = p.text("shape");
    Contents contents{read_rows(file, shape), {}, 0, 0};
    contents.sites = sites_of(contents.rows.shape);
    if (!p.text("test_file").empty()) {
        Rows test = read_rows(p.text("test_file"), shape);
        if (test.shape != contents.rows.shape)
            throw Error("test_file: its rows have another shape than those of " + file +
                        "; give rows of the same sites");
        contents.test = std::move(test.symbols);
    }
    std::int64_t largest = *std::max_element(contents.rows.symbols.begin(), contents.rows.symbols.end());
    for (const std::uint8_t symbol : contents.test) largest = std::max<std::int64_t>(largest, symbol);
    const std::int64_t given = p.integer("categories");
    if (given != 0 && largest >= given)
        throw Error("categories = " + std::to_string(given) + ", but the rows hold the symbol " +
                    std::to_string(largest) + "; give at least " + std::to_string(largest + 1) + ", or 0");
    contents.categories = given != 0 ? given : std::max<std::int64_t>(2, largest + 1);
    return contents;
}

class Table final : public marginalia::Dataset {
public:
    explicit Table(const marginalia::Params& p) : Table(p, read_contents(p)) {}

    std::size_t size(Split split) const override {
        return split == Split::train ? train_ : split == Split::validation ? validation_ : test_;
    }

    void row(Split split, std::size_t index, std::span<std::uint8_t> out) const override {
        if (index >= size(split))
            throw Error("there is no row " + std::to_string(index) + "; the split has " + std::to_string(size(split)));
        const std::uint8_t* row = nullptr;
        if (split == Split::test && !contents_.test.empty()) {
            row = contents_.test.data() + index * out.size();
        } else {
            const std::size_t start = split == Split::train        ? 0
                                      : split == Split::validation ? train_
                                                                   : train_ + validation_;
            row = contents_.rows.symbols.data() + order_[start + index] * out.size();
        }
        std::copy_n(row, out.size(), out.begin());
    }

    marginalia::Layout layout() const override { return {contents_.rows.shape, false}; }

private:
    Table(const marginalia::Params& p, Contents contents)
        : Dataset(contents.sites, contents.categories), contents_(std::move(contents)) {
        const std::size_t width = static_cast<std::size_t>(sites()), rows = contents_.rows.symbols.size() / width;
        order_.resize(rows);
        std::iota(order_.begin(), order_.end(), std::size_t{0});
        if (p.boolean("shuffle")) shuffle();
        const auto part = [&](const char* key) {
            return static_cast<std::size_t>(p.number(key) * static_cast<double>(rows));
        };
        validation_ = part("validation");
        const std::size_t kept = contents_.test.empty() ? part("test") : 0;
        if (validation_ + kept >= rows)
            throw Error("validation and test leave no row of " + std::to_string(rows) +
                        " for training; lower validation or test");
        train_ = rows - validation_ - kept;
        test_ = contents_.test.empty() ? kept : contents_.test.size() / width;
    }

    // Fisher-Yates by SplitMix64, so that the split is the same everywhere; its bias of 2^-34 or less does no harm.
    void shuffle() {
        std::uint64_t state = 20260000;
        for (std::size_t i = order_.size(); i > 1; --i) {
            std::uint64_t z = state += 0x9E3779B97F4A7C15u;
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
            std::swap(order_[i - 1], order_[(z ^ (z >> 31)) % i]);
        }
    }

    const Contents contents_;
    std::vector<std::size_t> order_;  // rows of `file`: train, validation, test
    std::size_t train_ = 0, validation_ = 0, test_ = 0;
};

}  // namespace

MARGINALIA_DATASET(Table, "table", "rows of small integers from a .csv or .npy file", manual, parameters);
