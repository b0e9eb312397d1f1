// Rows of symbols in a text file: what pandas, numpy.savetxt, R and spreadsheets write of small whole numbers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace table {

enum class Header { automatic, yes, no };

struct CsvRows {
    std::vector<std::uint8_t> symbols;  // rows after one another
    std::size_t width = 0;
    std::string note;  // what was made of the first line, where that is not plain to see; else empty
};

// A row a line; cells divided by semicolons, else commas, else tabs, else blanks, as the first line has them; quotes
// around a cell and blanks beside it mean nothing; lines that begin with # are left out. A cell is a whole number from
// 0 to 254, as 1, 1.0, 1e+00, or True and False.
//
// Header::automatic takes the first line for a header where none of its cells is a symbol, where it alone is in quotes,
// or where it counts its columns (0,1,2,... as pandas does) and would be the only row with so large a symbol. Throws
// Error "FILE:LINE: sentence" where it may be either, and for an empty cell, a row of another length, a cell that is no
// symbol and a first column that counts the rows.
CsvRows read_csv_rows(const std::string& path, Header header);

}  // namespace table
