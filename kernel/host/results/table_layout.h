// Where a table's columns stand on a screen. Internal to table.cpp.
#pragma once

#include <cstddef>
#include <vector>

namespace marginalia {

// What is known of a column before it has a width.
struct ColumnSize {
    std::size_t header = 0, header_piece = 0;  // in one line, and the longest part of one that is broken into several
    std::size_t cells = 0, unbroken = 0;       // the widest cell, and the widest that must stay in one line
    std::size_t readable = 0;                  // what texts should keep before other columns are left out
    std::size_t least = 0;                     // what they keep in any case
    bool key = false;
    int drop = 0;
};

// Columns beside each other, by their indices, with a width each.
struct ColumnBlock {
    std::vector<std::size_t> columns, widths;
};

struct TableLayout {
    std::vector<ColumnBlock> blocks;    // to stand under each other, each with all key columns
    std::vector<std::size_t> left_out;  // columns that may give way
};

// Whether the key columns leave no room for any other beside them.
bool keys_are_too_wide(const std::vector<ColumnSize>& columns, std::size_t limit);

// Fits columns, two blanks between them, into `limit`: by breaking headers, then by leaving out what may be left out,
// then by narrowing texts, and at last by more than one block. 0: no limit.
TableLayout lay_out(const std::vector<ColumnSize>& columns, std::size_t limit);

}  // namespace marginalia
