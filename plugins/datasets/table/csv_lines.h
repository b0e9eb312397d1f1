// Lines of a table in a text file, cut into cells.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace table {

struct Cell {
    std::string_view text;  // without quotes and the blanks beside it
    bool quoted = false;
};

struct Line {
    std::size_t number = 0;  // in the file
    std::vector<Cell> cells;
};

std::string cell_name(std::size_t index);

// The lines of a file that hold something but comments. All are divided as the first of them is. One thread; the cells
// of a line point into the object.
class CsvLines {
public:
    explicit CsvLines(const std::string& path);

    // False where there is no further one. Throws Error "FILE:LINE: sentence" for quotes that do not close, and for an
    // empty line in a table of one column.
    bool next(Line& line);

    [[noreturn]] void fail(std::size_t line, const std::string& sentence) const;

private:
    void cut(std::string_view text, Line& line) const;
    bool is_blank(char c) const { return c == ' ' || (c == '\t' && divider_ != '\t'); }
    std::size_t take_plain(std::string_view text, std::size_t at, Cell& cell) const;
    std::size_t take_quoted(std::string_view text, std::size_t at, Cell& cell, const Line& line) const;

    const std::string path_, text_;
    std::size_t at_ = 0, number_ = 0, first_ = 0;  // first_: the first line that held something
    std::optional<std::size_t> blank_;             // an empty line since the last one that held something
    char divider_ = '\0';
};

}  // namespace table
