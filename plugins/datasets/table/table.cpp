// A dataset of small integers from a .csv, .npy or .npz file, or of columns of numbers and words from a .csv.
#include <marginalia/dataset.h>
#include <marginalia/files.h>
#include <marginalia/lists.h>
#include <marginalia/npy.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <numeric>
#include <utility>

#include "columns.h"
#include "csv_rows.h"

namespace {

using marginalia::Error;
using marginalia::Parameter;
using marginalia::ParameterType;
using marginalia::Split;

constexpr std::int64_t most_categories = 255;

constexpr Parameter parameters[] = {
    {.name = "file",
     .type = ParameterType::path,
     .help = ".csv of whole numbers 0 to 254, a row a line, or .npy or .npz of rows (of any shape); .gz of these too"},
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
    {.name = "header",
     .type = ParameterType::text,
     .fallback = "\"auto\"",
     .choices = "auto|yes|no",
     .help = "whether the first line of a .csv is a header; auto: where it can be nothing else, and refused where it "
             "may be either"},
    {.name = "shape",
     .type = ParameterType::text,
     .fallback = "\"\"",
     .help = "how the sites of a row lie, such as \"28,28\" of pictures; empty: as in the file, of a .csv in a line"},
    {.name = "columns",
     .type = ParameterType::text,
     .fallback = "\"\"",
     .help =
         "of a .csv of columns that hold real numbers or words, with cells that may be missing: auto, each column by "
         "its content; or the kinds of some, such as \"age=real, zip=words, id=out\"; empty: rows of small integers",
     .absent = "\"\""},
};

constexpr const char* manual = R"(Rows of small whole numbers (0 to 254) from one file, such as binarised pictures,
spins or codes. The file's first bytes say which kind it is:

- `.csv`: one row a line. Its cells are divided by semicolons, else commas, else tabs, else blanks, as in the first
  line: what pandas, numpy.savetxt, R and spreadsheets write. A cell is a whole number in any notation (1, 1.0,
  1.000e+00, "1"), True or False. Empty lines and lines that begin with # are left out. Lines may end in \n, \r\n or \r.
- `.npy` (`numpy.save`): rows along the first axis; the other axes are the layout, so that (N, 28, 28) is known to be
  pictures of 28 x 28. For a .csv, `shape` says it. Any integer or boolean type is read, and floats that are whole.
- `.npz` (`numpy.savez`, `numpy.savez_compressed`) of one array, and `.gz` of the others.

A first line of names is a header. A first line of numbers that counts the columns, as pandas writes where columns have
no names, is taken for a header if it would be the only row with so large a symbol, as is a first line in quotes above
rows without any. A line of rising numbers that could be a row as well is refused: `header` then says which it is.
`run`, `plan` and `show` print what was read: rows, sites, categories and a line that was taken for a header.

With `columns` a .csv is a table of other things. Each column is a site of its own kind:

- real: all its cells are numbers, and some have a fraction, or there are more than 20 different ones. Each is less its
  mean over the rows for training, by its standard deviation there.
- words: anything else, at most 255 different ones, symbols in the order of their numbers or letters.

A cell is missing where it is empty, NA, NaN (of any case) or ?. The row is learnt from and evaluated as it is, by the
cells that it has; rows that have none are left out. The header is the first line, where it has neither numbers nor
missing cells. What a model of such a table says is in the units of its columns: see docs/continuous.md.

Refused with the line, without `columns`: an empty cell, a row of another length, a cell that is not a symbol (NA, -1,
0.5), and a first column of row numbers (pandas without `index=False`, R without `row.names = FALSE`).

The three splits are disjoint rows of the (shuffled) file: the first are for training, then validation, then test. Equal
rows may fall into two of them. The table is kept in memory, one byte a symbol.

References: the .npy format is described in numpy.lib.format of the NumPy manual.)";

// Rows of equal width as read from one file.
struct Rows {
    std::vector<std::uint8_t> symbols;
    std::vector<std::int64_t> shape;  // of one row
    std::string note;
};

// By the first bytes, unpacked, and else by the name.
bool is_array(const std::string& path) {
    const std::string start = marginalia::file_contents(path, 6);
    if (start == "\x93NUMPY" || start.starts_with("PK\3\4") || start.starts_with("PK\5\6")) return true;
    for (const char* ending : {".npy", ".npz", ".npy.gz", ".npz.gz"})
        if (marginalia::has_ending(path, ending)) return true;
    return false;
}

table::Header header_of(const marginalia::Params& p) {
    const std::string& header = p.text("header");
    return header == "yes" ? table::Header::yes : header == "no" ? table::Header::no : table::Header::automatic;
}

Rows read_csv(const std::string& path, table::Header header) {
    table::CsvRows csv = table::read_csv_rows(path, header);
    return {std::move(csv.symbols), {static_cast<std::int64_t>(csv.width)}, std::move(csv.note)};
}

Rows read_array(const std::string& path) {
    auto array = marginalia::read_npy<std::uint8_t>(path);
    if (array.shape.size() < 2 || array.values.empty())
        throw Error(path + ": the array has " + std::to_string(array.shape.size()) + " axes and " +
                    std::to_string(array.values.size()) +
                    " elements; give rows of sites, shape (N, D) or (N, rows, columns)");
    if (const auto found = std::find(array.values.begin(), array.values.end(), most_categories);
        found != array.values.end())
        throw Error(path + ": element " + std::to_string(found - array.values.begin()) +
                    " is 255; symbols are whole numbers from 0 to 254");
    return {std::move(array.values), {array.shape.begin() + 1, array.shape.end()}, {}};
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
    if (!list) throw Error("shape = \"" + std::string(text) + "\" is not a list of sides; give for example \"28,28\"");
    if (sites > most)
        throw Error("shape = \"" + std::string(text) + "\" has more than " + std::to_string(most) +
                    " sites; give smaller sides");
    return *list;
}

Rows read_rows(const std::string& path, const marginalia::Params& p) {
    Rows rows = is_array(path) ? read_array(path) : read_csv(path, header_of(p));
    const std::string& shape = p.text("shape");
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
    std::shared_ptr<const table::Columns> columns = {};  // null: rows of small integers
};

Contents read_columns(const marginalia::Params& p) {
    const std::string &file = p.text("file"), &test = p.text("test_file");
    for (const std::string& path : {file, test})
        if (!path.empty() && is_array(path))
            throw Error(path + ": an array has no columns of kinds; leave columns out");
    if (!p.text("shape").empty() || p.integer("categories") != 0)
        throw Error("shape and categories are for rows of small integers; leave them out, or columns");
    const auto columns = std::make_shared<table::Columns>(p.text("columns"), header_of(p));
    const std::size_t rows = columns->read(file), more = test.empty() ? 0 : columns->read(test);
    columns->settle();
    Contents contents;
    contents.categories = columns->categories();
    for (std::size_t row = 0; row < rows + more; ++row) {
        const std::vector<std::uint8_t> symbols = columns->symbols(row);
        contents.sites = static_cast<std::int64_t>(symbols.size());
        auto& to = row < rows ? contents.rows.symbols : contents.test;
        to.insert(to.end(), symbols.begin(), symbols.end());
    }
    contents.rows.shape = {contents.sites};
    contents.rows.note = columns->report();
    contents.columns = columns;
    return contents;
}

Contents read_contents(const marginalia::Params& p) {
    if (!p.text("columns").empty()) return read_columns(p);
    const std::string& file = p.text("file");
    Contents contents{read_rows(file, p), {}, 0, 0};
    contents.sites = sites_of(contents.rows.shape);
    if (!p.text("test_file").empty()) {
        Rows test = read_rows(p.text("test_file"), p);
        if (test.shape != contents.rows.shape)
            throw Error("test_file: its rows have another shape than those of " + file +
                        "; give rows of the same sites");
        contents.test = std::move(test.symbols);
        if (!test.note.empty())
            contents.rows.note += (contents.rows.note.empty() ? "" : "; ") + ("of test_file, " + test.note);
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
    Table(const marginalia::Params&, const marginalia::RowDescription& described)
        : Dataset(described.sites, described.categories), contents_{{{}, described.layout.shape, {}}, {}, 0, 0},
          site_list_(described.site_list) {}

    std::size_t size(Split split) const override {
        return split == Split::train ? train_ : split == Split::validation ? validation_ : test_;
    }

    void row(Split split, std::size_t index, std::span<std::uint8_t> out) const override {
        const std::size_t row = row_in_files(split, index), of_file = order_.size();
        const auto& rows = row < of_file ? contents_.rows.symbols : contents_.test;
        std::copy_n(rows.data() + (row < of_file ? row : row - of_file) * out.size(), out.size(), out.begin());
    }

    void reals(Split split, std::size_t index, std::span<double> out) const override {
        const std::size_t row = row_in_files(split, index);
        for (std::size_t d = 0; d < site_list_.size(); ++d)
            if (site_list_[d].is_real()) out[d] = contents_.columns->number(row, d, site_list_[d]);
    }

    std::vector<marginalia::Site> site_list() const override { return site_list_; }
    bool incomplete() const override { return contents_.columns && contents_.columns->has_missing(); }
    marginalia::Layout layout() const override { return {contents_.rows.shape, false}; }
    std::string report() const override { return contents_.rows.note; }

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
        if (contents_.columns) site_list_ = contents_.columns->sites_scaled_on(std::span(order_).first(train_));
    }

    // Rows of test_file come behind those of `file`.
    std::size_t row_in_files(Split split, std::size_t index) const {
        if (index >= size(split))
            throw Error("there is no row " + std::to_string(index) + "; the split has " + std::to_string(size(split)));
        if (split == Split::test && !contents_.test.empty()) return order_.size() + index;
        const std::size_t start = split == Split::train        ? 0
                                  : split == Split::validation ? train_
                                                               : train_ + validation_;
        return order_[start + index];
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
    std::vector<marginalia::Site> site_list_;  // of a table of columns
    std::vector<std::size_t> order_;           // rows of `file`: train, validation, test
    std::size_t train_ = 0, validation_ = 0, test_ = 0;
};

}  // namespace

MARGINALIA_DATASET(Table, "table", "rows of small integers from a .csv, .npy or .npz file", manual, parameters);
