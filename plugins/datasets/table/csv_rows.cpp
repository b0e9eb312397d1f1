#include "csv_rows.h"

#include <marginalia/files.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>

#include "csv_lines.h"

namespace table {
namespace {

using marginalia::Error;
using marginalia::visible;

constexpr int largest_symbol = 254;
constexpr std::size_t fewest_counted = 10;  // rows that a first column must count to be suspected

// A whole number in any clothes: 1, 1.0, 1e+00.
std::optional<double> whole_number(std::string_view text) {
    if (text.starts_with('+')) text.remove_prefix(1);
    double value = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || stop != text.data() + text.size() || value != std::floor(value) || std::isinf(value))
        return std::nullopt;
    return value;
}

// -1: no symbol.
int symbol_of(std::string_view text) {
    if (text.size() == 1 && text[0] >= '0' && text[0] <= '9') return text[0] - '0';
    for (const char* word : {"True", "TRUE", "true"})
        if (text == word) return 1;
    for (const char* word : {"False", "FALSE", "false"})
        if (text == word) return 0;
    const auto value = whole_number(text);
    return value && *value >= 0 && *value <= largest_symbol ? static_cast<int>(*value) : -1;
}

class Reader {
public:
    Reader(const std::string& path, Header header) : lines_(path), path_(path), header_(header) {}

    CsvRows read() {
        Line line;
        const bool any = lines_.next(line);
        if (any) take_first(line);
        while (lines_.next(line)) {
            all_quoted_ = all_quoted_ && line.cells[0].quoted;
            add_row(line);
        }
        if (first_row_) settle_first();
        if (rows_.symbols.empty()) throw Error(path_ + ": there are no rows in this file");
        refuse_counted_rows();
        return std::move(rows_);
    }

private:
    std::string quoted_line(const Line& line) const {
        std::string text;
        for (const Cell& cell : line.cells) text += (text.empty() ? "" : ",") + visible(cell.text, 20);
        return "'" + visible(text, 40) + "'";
    }

    // A header that can be told from itself is taken here; what may be one waits in first_ for the other rows.
    void take_first(const Line& line) {
        rows_.width = line.cells.size();
        first_number_ = line.number;
        shown_first_ = quoted_line(line);
        first_quoted_ = line.cells[0].quoted;
        if (header_ == Header::yes) return;
        if (header_ == Header::automatic) {
            refuse_index(line);
            const auto symbol = [](const Cell& cell) { return symbol_of(cell.text) >= 0; };
            counts_ = counts_columns(line);
            const auto symbols = std::count_if(line.cells.begin(), line.cells.end(), symbol);
            if (symbols == 0 &&
                !std::any_of(line.cells.begin(), line.cells.end(), [](const Cell& c) { return c.text.empty(); })) {
                if (whole_number(line.cells[0].text) && !counts_) add_row(line);  // refuses it
                rows_.note = "the first line, " + shown_first_ + ", was taken for a header";
                return;
            }
            if (symbols != static_cast<std::ptrdiff_t>(line.cells.size())) {
                if (counts_) {  // 0 to 783: no row, as its last cells are no symbols
                    rows_.note = "the first line, " + shown_first_ + ", counts the columns and was taken for a header";
                    return;
                }
                add_row(line);
            }
            first_row_ = true;
        }
        add_row(line);
    }

    // As pandas' to_csv writes without index=False: a column of row numbers that has no name.
    void refuse_index(const Line& line) const {
        if (line.cells.size() > 1 && line.cells[0].text.empty())
            lines_.fail(
                line.number,
                "the first column has no name, as the row numbers have that pandas writes; save the rows without them: "
                "to_csv(..., index=False)");
    }

    static bool counts_columns(const Line& line) {
        const auto first = whole_number(line.cells[0].text);
        if (line.cells.size() < 2 || !first || (*first != 0 && *first != 1)) return false;
        for (std::size_t i = 1; i < line.cells.size(); ++i)
            if (const auto value = whole_number(line.cells[i].text);
                !value || *value != *first + static_cast<double>(i))
                return false;
        return true;
    }

    void add_row(const Line& line) {
        for (std::size_t i = 0; i < line.cells.size() && i < rows_.width; ++i) {
            const std::string_view text = line.cells[i].text;
            const int symbol = symbol_of(text);
            if (text.empty())
                lines_.fail(
                    line.number,
                    cell_name(i) + " is empty; give every cell a symbol, and take a divider at the line's end away");
            if (symbol < 0)
                lines_.fail(line.number, cell_name(i) + ", '" + visible(text) +
                                             "', is not a symbol; symbols are whole numbers from 0 to 254" +
                                             (line.number == first_number_
                                                  ? ", and a header is a line of names (or set header = \"yes\")"
                                                  : ""));
            rows_.symbols.push_back(static_cast<std::uint8_t>(symbol));
        }
        if (line.cells.size() != rows_.width)
            lines_.fail(line.number, "this row has " + std::to_string(line.cells.size()) +
                                         " numbers and the first line " + std::to_string(rows_.width) +
                                         "; give every row the same");
    }

    // Whether the first line, all of whose cells are symbols, is a header.
    void settle_first() {
        const auto begin = rows_.symbols.begin(), second = begin + static_cast<std::ptrdiff_t>(rows_.width);
        const int own = *std::max_element(begin, second),
                  others = second == rows_.symbols.end() ? -1 : *std::max_element(second, rows_.symbols.end());
        const bool quoted_alone = first_quoted_ && !all_quoted_ && others >= 0;
        const bool is_header = rows_.width > 2 && counts_ && own > others && others >= 0;
        const bool rises =
            rows_.width > 2 && std::is_sorted(begin, second) && std::adjacent_find(begin, second) == second;
        if (quoted_alone || is_header) {
            rows_.note = "the first line, " + shown_first_ + ", was taken for a header";
            rows_.symbols.erase(begin, second);
        } else if (counts_ || (rises && own > others && others >= 0)) {
            lines_.fail(first_number_, "the first line, " + shown_first_ +
                                           ", may be a row, or a header of numbers as pandas writes it; set "
                                           "header = \"yes\" or header = \"no\"");
        }
    }

    void refuse_counted_rows() const {
        const std::size_t count = rows_.symbols.size() / rows_.width, start = rows_.symbols[0];
        if (rows_.width < 2 || count < fewest_counted || start > 1) return;
        for (std::size_t row = 0; row < count; ++row)
            if (rows_.symbols[row * rows_.width] != start + row) return;
        throw Error(
            path_ + ": the first column counts the rows from " + std::to_string(start) +
            ", as row numbers do; take it out of the file (pandas: to_csv(..., index=False); R: row.names = FALSE)");
    }

    CsvLines lines_;
    const std::string& path_;
    const Header header_;
    CsvRows rows_;
    std::size_t first_number_ = 0;
    std::string shown_first_;
    bool first_row_ = false;  // the first line is the first row so far
    bool first_quoted_ = false, all_quoted_ = true, counts_ = false;
};

}  // namespace

CsvRows read_csv_rows(const std::string& path, Header header) { return Reader(path, header).read(); }

}  // namespace table
