// Which rows of a store lie on which page, by SQLite's own dbstat. For tests of damage.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "store/connection.h"
#include "store/shapes.h"

namespace marginalia::store::page_map {

// The rows of a table as texts, in the order of their keys.
struct TableRows {
    std::vector<std::string> keys, rows;
};
using Contents = std::map<std::string, TableRows>;

inline std::vector<std::string> texts(Connection& connection, const std::string& sql) {
    Rows rows(connection, sql);
    std::vector<std::string> found;
    while (rows.next()) found.push_back(rows.text(0));
    return found;
}

inline std::string quoted(const std::vector<std::string>& columns) {
    std::vector<std::string> parts;
    for (const auto& column : columns) parts.push_back(fmt::format("quote({})", column));
    return fmt::format("{}", fmt::join(parts, "||'|'||"));
}

// Of all tables.
inline Contents contents_of(Connection& connection) {
    Contents contents;
    for (const auto& table : shapes_of(connection)) {
        if (!table.is_table) continue;
        auto keys =
            texts(connection,
                  fmt::format("SELECT name FROM pragma_table_info('{}', 'main') WHERE pk > 0 ORDER BY pk", table.name));
        // The order in which the rows lie is that of their numbers where they have some.
        const bool by_number = table.has_rowids;
        const auto order = by_number ? "rowid" : fmt::format("{}", fmt::join(keys, ", "));
        std::vector<std::string> all;
        for (const auto& column : table.columns) all.push_back(column.name);
        auto& rows = contents[table.name];
        rows.keys =
            texts(connection, fmt::format("SELECT {} FROM main.{} ORDER BY {}", quoted(keys), table.name, order));
        rows.rows =
            texts(connection, fmt::format("SELECT {} FROM main.{} ORDER BY {}", quoted(all), table.name, order));
    }
    return contents;
}

struct Page {
    std::string tree;  // the table or index
    bool is_inner = false;
    std::set<std::pair<std::string, std::size_t>>
        rows;  // table and number in Contents, of those that lie there, in whole or in part
};
using PageMap = std::map<std::int64_t, Page>;

// Walks one tree in the order of its keys.
class Walk {
public:
    Walk(Connection& connection, const Shape& table, PageMap& pages) : table_(table), pages_(pages) {
        Rows rows(connection, "SELECT path, pageno, pagetype, ncell FROM dbstat WHERE name = ?", table.name);
        while (rows.next()) {
            nodes_[rows.text(0)] = {rows.integer(1), rows.text(2) == "internal", rows.integer(3)};
            pages_[rows.integer(1)].is_inner = rows.text(2) == "internal";
        }
        visit("/");
    }

private:
    struct Node {
        std::int64_t page = 0;
        bool is_inner = false;
        std::int64_t cells = 0;
    };

    void visit(const std::string& path) {
        const auto found = nodes_.find(path);
        if (found == nodes_.end()) return;
        const Node node = found->second;
        for (std::int64_t cell = 0; cell < node.cells; ++cell) {
            const auto below = fmt::format("{}{:03x}", path, cell);
            if (node.is_inner) visit(below + "/");
            if (!node.is_inner || !table_.has_rowids) take(node.page, below);
        }
        if (node.is_inner) visit(fmt::format("{}{:03x}/", path, node.cells));
    }

    void take(std::int64_t page, const std::string& cell) {
        pages_[page].rows.emplace(table_.name, next_);
        for (auto part = nodes_.lower_bound(cell + "+"); part != nodes_.end() && part->first.starts_with(cell + "+");
             ++part)
            pages_[part->second.page].rows.emplace(table_.name, next_);
        ++next_;
    }

    const Shape& table_;
    PageMap& pages_;
    std::map<std::string, Node> nodes_;
    std::size_t next_ = 0;
};

inline PageMap pages_of(Connection& connection) {
    PageMap pages;
    {
        Rows rows(connection, "SELECT pageno, name FROM dbstat");
        while (rows.next()) pages[rows.integer(0)].tree = rows.text(1);
    }
    for (const auto& shape : shapes_of(connection))
        if (shape.is_table) Walk(connection, shape, pages);
    return pages;
}

}  // namespace marginalia::store::page_map
