// Rows of tables whose columns hold real numbers or words, as people write them.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <marginalia/states.h>

namespace marginalia {

// A row's cells: a real one in the units of its column, a symbol by its number, NaN where it is unknown.
using CellRow = std::span<const double>;

// A cell of which a set is asked about: the numbers from low to high of a real column, or some words of another.
struct CellSet {
    std::size_t column = 0;
    std::string text = {};  // as it was given
    double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity();
    std::vector<std::int64_t> symbols = {};
};

// What the cells of a table stand for.
class TableCells {
public:
    static constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

    explicit TableCells(std::vector<Site> sites);  // columns without a name are called by their number, from 1

    std::size_t size() const { return sites_.size(); }
    const std::string& name(std::size_t column) const { return sites_[column].name; }

    // A number, a word, or "" where it is unknown.
    std::string text(CellRow row, std::size_t column) const;

    // A line of CSV, with the set in its cell, and the line of the names.
    std::string line(CellRow row, const std::optional<CellSet>& set = std::nullopt) const;
    std::string header() const;

    // An object of JSON: the known cells by name, and the set as text.
    std::string json(CellRow row, const std::optional<CellSet>& set = std::nullopt) const;

    // A line of all cells divided by commas, or of some as name=value; a cell that is empty, ?, _, □, NA or NaN is
    // unknown, and so are those that are not named. Throws Error with the column and what is wrong.
    void parse(std::string_view line, std::span<double> out) const;

    // The same of a line of which one cell may be a set: 13..14, ..14 or 13.. of a real column, A|B of words. The cell
    // is then unknown in `out`.
    std::optional<CellSet> parse_with_set(std::string_view line, std::span<double> out) const;

    // Throws Error where a symbol's number is none of its column's, or a number is infinite.
    void check(CellRow row) const;

private:
    using TakeSet = std::function<bool(std::string_view text, std::size_t column)>;  // whether it was one
    void parse(std::string_view line, std::span<double> out, const TakeSet& take_set) const;
    double value(std::string_view text, std::size_t column) const;
    std::optional<CellSet> set(std::string_view text, std::size_t column) const;
    std::size_t column_of(std::string_view name) const;

    std::vector<Site> sites_;
};

}  // namespace marginalia
