// The shape of a store's rows, by which a row is known on a page that nothing leads to. Internal to store/.
#pragma once

#include <string>
#include <vector>

#include "store/connection.h"
#include "store/pages.h"

namespace marginalia::store {

struct ShapeColumn {
    std::string name, type;  // as declared: INTEGER, REAL, TEXT, BLOB
    bool nullable = false;
    bool is_rowid = false;  // not in the record
};

// A table, or an index, whose rows are never wanted but may look like a table's.
struct Shape {
    std::string name;
    bool is_table = true;    // false: an index
    bool has_rowids = true;  // false: its rows lie in a tree like an index's
    std::vector<ShapeColumn> columns;
    std::size_t keys = 0;  // of a table without rowids: how many columns, the first, are its key

    // Of an earlier layout, whose tables lack the last columns, too.
    bool fits(const StoredRow& row) const;
};

// Those of all tables and indexes of an open store.
std::vector<Shape> shapes_of(Connection& connection);

}  // namespace marginalia::store
