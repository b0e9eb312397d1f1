#include "store/shapes.h"

#include <algorithm>
#include <map>

namespace marginalia::store {

namespace {

bool fits_column(const StoredValue& value, const ShapeColumn& column) {
    if (std::holds_alternative<std::monostate>(value)) return column.nullable || column.is_rowid;
    if (column.is_rowid) return false;
    const bool whole = std::holds_alternative<std::int64_t>(value);
    if (column.type == "INTEGER") return whole;
    if (column.type == "REAL") return whole || std::holds_alternative<double>(value);
    if (column.type == "BLOB") return std::holds_alternative<BlobValue>(value);
    const auto* text = std::get_if<std::string>(&value);
    return text != nullptr && (column.name != "json" || text->starts_with('{'));
}

Shape table_shape(Connection& connection, const std::string& name, bool has_rowids) {
    Shape shape{name, true, has_rowids, {}, 0};
    Rows rows(connection, "SELECT name, type, \"notnull\", pk FROM pragma_table_info(?, 'main') ORDER BY cid", name);
    int keys = 0, key_column = -1;
    while (rows.next()) {
        const bool is_key = rows.integer(3) > 0;
        if (is_key) ++keys, key_column = static_cast<int>(shape.columns.size());
        shape.columns.push_back({rows.text(0), rows.text(1), rows.integer(2) == 0 && !is_key, false});
    }
    shape.keys = static_cast<std::size_t>(keys);
    if (has_rowids && keys == 1) {
        auto& key = shape.columns[static_cast<std::size_t>(key_column)];
        key.is_rowid = key.type == "INTEGER";
    }
    return shape;
}

Shape index_shape(Connection& connection, const std::string& name, const Shape& table) {
    Shape shape{name, false, false, {}, 0};
    Rows rows(connection, "SELECT cid FROM pragma_index_xinfo(?, 'main') ORDER BY seqno", name);
    while (rows.next()) {
        const auto column = rows.integer(0);  // -1: the rowid, -2: an expression, of which this layout has a length
        if (column < 0) {
            shape.columns.push_back({"", "INTEGER", false, false});
            continue;
        }
        shape.columns.push_back(table.columns[static_cast<std::size_t>(column)]);
        shape.columns.back().is_rowid = false;
    }
    return shape;
}

}  // namespace

bool Shape::fits(const StoredRow& row) const {
    if (row.values.empty() || row.values.size() > columns.size()) return false;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        const StoredValue missing;
        if (!fits_column(i < row.values.size() ? row.values[i] : missing, columns[i])) return false;
    }
    return true;
}

std::vector<Shape> shapes_of(Connection& connection) {
    std::map<std::string, bool> tables;  // -> whether it has rowids
    {
        Rows rows(connection,
                  "SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND type = 'table' "
                  "AND name NOT LIKE 'sqlite%'");
        while (rows.next()) tables[rows.text(0)] = rows.integer(1) == 0;
    }
    std::vector<Shape> shapes;
    for (const auto& [name, has_rowids] : tables) {
        const auto table = table_shape(connection, name, has_rowids);
        std::vector<std::string> indexes;
        {
            // The key of a table without rowids is the table itself.
            Rows rows(connection, "SELECT name, origin FROM pragma_index_list(?, 'main')", name);
            while (rows.next())
                if (has_rowids || rows.text(1) != "pk") indexes.push_back(rows.text(0));
        }
        for (const auto& index : indexes) shapes.push_back(index_shape(connection, index, table));
        shapes.push_back(table);
    }
    return shapes;
}

}  // namespace marginalia::store
