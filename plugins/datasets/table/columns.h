// Columns of real numbers and of words in text files, whose cells may be missing.
#pragma once

#include <marginalia/states.h>

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "csv_rows.h"

namespace table {

// A table whose columns are the sites of a state. Reads one file or several of the same columns, then settles what each
// column holds. One thread.
class Columns {
public:
    // `kinds`: "auto", or "NAME=KIND" divided by commas for some columns, KIND being real, words, or out (left out);
    // columns without a name have their number, from 1. Throws Error where it is neither.
    Columns(std::string_view kinds, Header header);

    // Adds the rows of a file of lines as csv_rows.h has them; cells are numbers, words, or missing: empty, NA, NaN or
    // ?. The first line is the header where none of its cells is a number or missing, but perhaps the first
    // (Header::automatic). Returns how
    // many rows it had, without those that lack every cell. Throws Error "FILE:LINE: sentence".
    std::size_t read(const std::string& path);

    // Decides what columns hold: real numbers where all cells are numbers and either some have a fraction or there are
    // more than 20 different ones; else words. Throws Error for a column of more than 255 words, and for one whose
    // cells are not all numbers though it is to be real.
    void settle();

    // From then on:
    std::int64_t categories() const { return categories_; }    // K: the most words of a column, 2 at least
    std::vector<std::uint8_t> symbols(std::size_t row) const;  // D; 0 for a number, K for a missing cell
    bool has_missing() const { return missing_ > 0; }
    std::string report() const;  // columns by kind and the share of cells that are missing

    // Each real column less its mean over these rows, by its deviation there; 1 in place of a deviation of 0.
    std::vector<marginalia::Site> sites_scaled_on(std::span<const std::size_t> rows) const;
    double number(std::size_t row, std::size_t column, const marginalia::Site& scaled) const;

private:
    struct Column {
        std::string name, kind;                 // kind: as asked for; "" by content, then as settled
        std::vector<double> numbers = {};       // a row each; NaN: none
        std::vector<std::uint16_t> codes = {};  // the same: into the words in the order met; `none`: missing
        std::map<std::string, std::uint16_t, std::less<>> words = {};
        bool all_numbers = true, has_fraction = false, many = false;  // many: more words than are kept
        std::size_t odd_line = 0;                                     // the first whose cell is not a number
        std::string odd = {};                                         // that cell
        std::vector<std::uint8_t> symbol_of = {};                     // of each code
        std::vector<std::string> sorted = {};                         // the words by symbol
    };
    struct Kind {
        std::string column, kind;
        bool used = false;
    };

    void take_names(const std::vector<std::string>& names);
    void add(Column& column, std::string_view text, std::size_t line);
    void settle(Column& column);
    static void number_words(Column& column);

    std::vector<Kind> kinds_;
    const Header header_;
    std::string path_;               // of the first file
    std::vector<Column> all_;        // as in the files
    std::vector<std::size_t> kept_;  // columns of all_ that are sites
    std::size_t rows_ = 0, missing_ = 0, empty_rows_ = 0;
    std::int64_t categories_ = 2;
    std::string note_;
};

}  // namespace table
