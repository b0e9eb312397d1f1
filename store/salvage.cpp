#include "store/salvage.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sqlite3.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "store/shapes.h"

namespace marginalia::store {

namespace {

void bind_stored(sqlite3_stmt* statement, int index, const StoredValue& value) {
    if (const auto* whole = std::get_if<std::int64_t>(&value)) sqlite3_bind_int64(statement, index, *whole);
    if (const auto* real = std::get_if<double>(&value)) sqlite3_bind_double(statement, index, *real);
    if (const auto* text = std::get_if<std::string>(&value))
        sqlite3_bind_text64(statement, index, text->data(), text->size(), SQLITE_STATIC, SQLITE_UTF8);
    if (const auto* blob = std::get_if<BlobValue>(&value))
        sqlite3_bind_blob64(statement, index, blob->bytes.data(), blob->bytes.size(), SQLITE_STATIC);
}

class Salvage {
public:
    Salvage(const Pages& pages, Connection& made) : pages_(pages), made_(made), shapes_(shapes_of(made)) {}

    void run() {
        const auto roots = roots_in_schema();
        for (const auto& shape : shapes_) {
            const auto root = roots.find(shape.name);
            if (root == roots.end()) continue;
            const auto tree = pages_.tree(root->second, shape.is_table && shape.has_rowids);
            led_to_.insert(tree.pages.begin(), tree.pages.end());
            if (tree.whole) whole_.insert(shape.name);
            for (const auto page : tree.pages) shape.is_table ? take(page, shape) : count(page, shape);
        }
        take_what_nothing_leads_to();
    }

    Salvaged found;

private:
    std::map<std::string, PageNumber> roots_in_schema() const {
        std::map<std::string, PageNumber> roots;
        for (const auto page : pages_.tree(1, true).pages)
            pages_.rows(
                page,
                [&](StoredRow&& row) {
                    if (row.values.size() != 5) return;
                    const auto* name = std::get_if<std::string>(&row.values[1]);
                    const auto* root = std::get_if<std::int64_t>(&row.values[3]);
                    if (name != nullptr && root != nullptr && *root > 1) roots[*name] = static_cast<PageNumber>(*root);
                },
                [] {});
        return roots;
    }

    void take(PageNumber page, const Shape& table) {
        pages_.rows(
            page, [&](StoredRow&& row) { table.fits(row) ? insert(table, row) : void(++found.lost[table.name]); },
            [&] { ++found.lost[table.name]; });
    }

    void count(PageNumber page, const Shape& index) {
        pages_.rows(page, [&](StoredRow&& row) { found.entries[index.name] += index.fits(row) ? 1 : 0; }, [] {});
    }

    void insert(const Shape& table, const StoredRow& row) {
        std::vector<std::string> names, marks;
        for (std::size_t i = 0; i < row.values.size(); ++i)
            names.push_back(table.columns[i].name), marks.emplace_back("?");
        auto* statement = made_.statement(fmt::format("INSERT OR IGNORE INTO {}({}) VALUES ({})", table.name,
                                                      fmt::join(names, ", "), fmt::join(marks, ", ")));
        for (std::size_t i = 0; i < row.values.size(); ++i) {
            const int index = static_cast<int>(i) + 1;
            if (table.columns[i].is_rowid) sqlite3_bind_int64(statement, index, row.rowid);
            else bind_stored(statement, index, row.values[i]);
        }
        const int code = sqlite3_step(statement);
        sqlite3_reset(statement);
        sqlite3_clear_bindings(statement);
        if (code != SQLITE_DONE && (code & 0xff) != SQLITE_CONSTRAINT) made_.fail(code);
    }

    // Below a broken link, or with a broken schema all: known by their shape, where that is the shape of one table
    // only. Rows that were deleted lie on free pages. Where it is not known which those are, only tables are added to
    // that are not whole.
    void take_what_nothing_leads_to() {
        const auto free = pages_.free_pages();
        for (PageNumber page = 2; page != 0 && page <= pages_.count(); ++page) {
            if (led_to_.contains(page) || (free && free->contains(page))) continue;
            const auto* table = table_of(page);
            if (table == nullptr || (!free && whole_.contains(table->name))) continue;
            take(page, *table);
            found.perhaps_deleted = found.perhaps_deleted || !free;
        }
    }

    const Shape* table_of(PageNumber page) const {
        const bool has_rowids = pages_.kind_of(page) == Pages::Kind::table_leaf;
        std::vector<const Shape*> fitting;
        for (const auto& shape : shapes_)
            if (shape.has_rowids == has_rowids) fitting.push_back(&shape);
        bool has_rows = false;
        pages_.rows(
            page,
            [&](StoredRow&& row) {
                has_rows = true;
                std::erase_if(fitting, [&](const Shape* shape) { return !shape->fits(row); });
            },
            [] {});
        // A text in braces may well be a name, but in a column of its own it is JSON.
        const auto has_json = [](const Shape* shape) {
            return std::ranges::any_of(shape->columns, [](const auto& column) { return column.name == "json"; });
        };
        if (fitting.size() > 1 && std::ranges::count_if(fitting, has_json) == 1)
            std::erase_if(fitting, [&](const Shape* shape) { return !has_json(shape); });
        return has_rows && fitting.size() == 1 && fitting.front()->is_table ? fitting.front() : nullptr;
    }

    const Pages& pages_;
    Connection& made_;
    const std::vector<Shape> shapes_;
    std::set<PageNumber> led_to_;
    std::set<std::string> whole_;  // tables and indexes to all of whose pages something leads
};

}  // namespace

Salvaged salvage(const Pages& pages, Connection& made) {
    Salvage work(pages, made);
    work.run();
    return std::move(work.found);
}

}  // namespace marginalia::store
