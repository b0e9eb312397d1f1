// The dataset '@NAME@': rows of small whole numbers from a CSV file, one row a line.
#include <marginalia/dataset.h>
#include <marginalia/text_reader.h>

namespace {

using marginalia::ParameterType;

// What may be written in [dataset] of an experiment file. It is checked before an object is made, so the constructor
// finds every value present, of its type and in its range. Without `fallback` the user must give a value.
constexpr marginalia::Parameter parameters[] = {
    {.name = "file",
     .type = ParameterType::path,
     .fallback = "\"@FILE@.csv\"",
     .help = "CSV file of symbols 0..K-1, the same number in each line"},
    {.name = "categories",
     .type = ParameterType::integer,
     .fallback = "3",
     .minimum = 2,
     .maximum = 255,
     .help = "K, the number of symbols"},
    {.name = "holdout",
     .type = ParameterType::integer,
     .fallback = "10",
     .minimum = 3,
     .maximum = 1000000,
     .unit = "rows",
     .help = "of so many rows one is for validation and one for the test"},
};

constexpr const char* manual = R"(Rows of a CSV file without a header, one state a line. Of every `holdout` rows the
last is a test row, the one before it a validation row, and the others are for training.)";

// The rows of the file, one after another.
struct CsvRows {
    std::int64_t width = 0;
    std::vector<std::uint8_t> symbols;
};

// Each refusal of the reader names file, line and column.
CsvRows read_rows(const std::string& path, std::int64_t categories) {
    marginalia::TextReader reader(path, ",");
    CsvRows rows;
    while (!reader.at_end()) {
        std::int64_t in_line = 0;
        do {
            const std::int64_t symbol = reader.integer("a symbol", 0, 254);
            if (symbol >= categories) reader.fail("a symbol is " + std::to_string(symbol) + "; give larger categories");
            rows.symbols.push_back(static_cast<std::uint8_t>(symbol));
            ++in_line;
        } while (!reader.at_end() && !reader.at_new_line());
        if (rows.width == 0) rows.width = in_line;
        if (in_line != rows.width)
            reader.fail("the line ends here with " + std::to_string(in_line) + " symbols; the first line has " +
                        std::to_string(rows.width));
    }
    if (rows.width == 0) reader.fail("there is no row; give one state a line");
    return rows;
}

class @TYPE@ final : public marginalia::Dataset {
public:
    explicit @TYPE@(const marginalia::Params& p)
        : @TYPE@(read_rows(p.text("file"), p.integer("categories")), p.integer("categories"), p.integer("holdout")) {}

    // What a checkpoint keeps is enough where a trained model is asked about states: no file is read then.
    @TYPE@(const marginalia::Params&, const marginalia::RowDescription& described)
        : marginalia::Dataset(described.sites, described.categories) {}

    std::size_t size(marginalia::Split split) const override { return rows_of(split).size(); }

    // Called from several threads at once; the same index must always give the same row.
    void row(marginalia::Split split, std::size_t index, std::span<std::uint8_t> out) const override {
        const auto width = static_cast<std::size_t>(sites());
        const std::uint8_t* first = symbols_.data() + rows_of(split)[index] * width;
        for (std::size_t d = 0; d < width; ++d) out[d] = first[d];
    }

private:
    @TYPE@(CsvRows rows, std::int64_t categories, std::int64_t holdout)
        : marginalia::Dataset(rows.width, categories), symbols_(std::move(rows.symbols)) {
        const auto period = static_cast<std::size_t>(holdout);
        for (std::size_t row = 0; row < symbols_.size() / static_cast<std::size_t>(sites()); ++row) {
            const std::size_t left = period - 1 - row % period;
            (left == 0 ? test_ : left == 1 ? validation_ : train_).push_back(row);
        }
    }

    const std::vector<std::size_t>& rows_of(marginalia::Split split) const {
        using enum marginalia::Split;
        return split == train ? train_ : split == validation ? validation_ : test_;
    }

    const std::vector<std::uint8_t> symbols_;             // (rows, sites)
    std::vector<std::size_t> train_, validation_, test_;  // rows of each split
};

}  // namespace

MARGINALIA_DATASET(@TYPE@, "@NAME@", "rows of small whole numbers from a CSV file", manual, parameters);
