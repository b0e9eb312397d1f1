#include "store/salvage.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sqlite3.h>

#include <algorithm>
#include <optional>
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

using Roots = std::map<std::string, PageNumber>;

Roots roots_of(Connection& made) {
    Roots roots;
    Rows rows(made, "SELECT name, rootpage FROM sqlite_schema WHERE rootpage > 1");
    while (rows.next()) roots[rows.text(0)] = static_cast<PageNumber>(rows.integer(1));
    return roots;
}

// Of a table without row numbers the key is the first values.
bool lies_before(const Shape& table, const StoredRow& one, const StoredRow& other) {
    if (table.has_rowids) return one.rowid < other.rowid;
    const auto end = [&](const StoredRow& row) {
        return row.values.begin() + static_cast<std::ptrdiff_t>(std::min(row.values.size(), table.keys));
    };
    return std::lexicographical_compare(one.values.begin(), end(one), other.values.begin(), end(other));
}

class Salvage {
public:
    Salvage(const Pages& pages, Connection& made)
        : pages_(pages), made_(made), shapes_(shapes_of(made)), free_(pages.free_pages()) {}

    void run() {
        const auto named = roots_in_schema(), usual = roots_of(made_);
        for (const auto& shape : shapes_) {
            const auto tree = tree_of(shape, named, usual);
            if (tree.whole) whole_.insert(shape.name);
            for (const auto& [page, kind] : tree.pages) {
                led_to_.insert(page);
                if (is_free(page)) continue;
                shape.is_table ? take(page, kind, shape) : count(page, kind, shape);
            }
        }
        take_what_nothing_leads_to();
        for (const auto& [page, kind, table] : doubtful_) take_all(page, kind, *table);
    }

    Salvaged found;

private:
    bool is_free(PageNumber page) const { return free_ && free_->contains(page); }

    Roots roots_in_schema() const {
        Roots roots;
        for (const auto& [page, kind] : pages_.tree(1, true).pages)
            pages_.rows(
                page, kind,
                [&](StoredRow&& row) {
                    if (row.values.size() != 5) return;
                    const auto* name = std::get_if<std::string>(&row.values[1]);
                    const auto* root = std::get_if<std::int64_t>(&row.values[3]);
                    if (name != nullptr && root != nullptr && *root > 1) roots[*name] = static_cast<PageNumber>(*root);
                },
                [] {});
        return roots;
    }

    // Where the schema is damaged, a tree may still begin where it does in a store as it is made.
    Pages::Tree tree_of(const Shape& shape, const Roots& named, const Roots& usual) const {
        for (const auto* roots : {&named, &usual}) {
            const auto root = roots->find(shape.name);
            if (root == roots->end()) continue;
            auto tree = pages_.tree(root->second, shape.is_table && shape.has_rowids);
            if (holds(tree, shape)) return tree;
        }
        return {{}, false};
    }

    static constexpr int enough = 1000;  // rows to know a tree by

    bool holds(const Pages::Tree& tree, const Shape& shape) const {
        int fitting = 0, others = 0;
        for (const auto& [page, kind] : tree.pages) {
            pages_.rows(page, kind, [&](StoredRow&& row) { ++(shape.fits(row) ? fitting : others); }, [] {});
            if (fitting + others > enough) break;
        }
        return fitting >= others;
    }

    // First what lies in the order of the keys: of two rows of one key the other one is damaged.
    void take(PageNumber page, Pages::Kind kind, const Shape& table) {
        std::optional<StoredRow> before, row;
        bool doubtful = false;
        const auto judge = [&](const StoredRow* after) {
            const bool in_order = (!before || lies_before(table, *before, *row)) &&
                                  (after == nullptr || lies_before(table, *row, *after));
            if (in_order) insert(table, *row);
            else doubtful = true;
            before = std::move(row);
        };
        pages_.rows(
            page, kind,
            [&](StoredRow&& next) {
                if (!table.fits(next)) return void(++found.lost[table.name]);
                if (row) judge(&next);
                row = std::move(next);
            },
            [&] { ++found.lost[table.name]; });
        if (row) judge(nullptr);
        if (doubtful) doubtful_.push_back({page, kind, &table});
    }

    void take_all(PageNumber page, Pages::Kind kind, const Shape& table) {
        pages_.rows(
            page, kind,
            [&](StoredRow&& row) {
                if (table.fits(row)) insert(table, row);
            },
            [] {});
    }

    void count(PageNumber page, Pages::Kind kind, const Shape& index) {
        pages_.rows(page, kind, [&](StoredRow&& row) { found.entries[index.name] += index.fits(row) ? 1 : 0; }, [] {});
    }

    // Prepared once for each number of columns: earlier layouts had fewer.
    sqlite3_stmt* insertion(const Shape& table, std::size_t columns) {
        auto& statement = insertions_[{&table, columns}];
        if (statement != nullptr) return statement;
        std::vector<std::string> names, marks(columns, "?");
        for (std::size_t i = 0; i < columns; ++i) names.push_back(table.columns[i].name);
        return statement = made_.statement(fmt::format("INSERT OR IGNORE INTO {}({}) VALUES ({})", table.name,
                                                       fmt::join(names, ", "), fmt::join(marks, ", ")));
    }

    void insert(const Shape& table, const StoredRow& row) {
        auto* statement = insertion(table, row.values.size());
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
        for (PageNumber page = 2; page != 0 && page <= pages_.count(); ++page) {
            if (led_to_.contains(page) || is_free(page)) continue;
            const auto kind = pages_.kind_of(page);
            const auto* table = table_of(page, kind);
            if (table == nullptr || whole_.contains(table->name)) continue;
            take(page, kind, *table);
            found.perhaps_deleted = found.perhaps_deleted || !free_;
        }
    }

    // Of trees that are whole no page is missing.
    const Shape* table_of(PageNumber page, Pages::Kind kind) const {
        const bool has_rowids = kind == Pages::Kind::table_leaf;
        std::vector<const Shape*> fitting;
        for (const auto& shape : shapes_)
            if (shape.has_rowids == has_rowids && !whole_.contains(shape.name)) fitting.push_back(&shape);
        bool has_rows = false;
        pages_.rows(
            page, kind,
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

    struct Doubt {
        PageNumber page;
        Pages::Kind kind;
        const Shape* table;
    };

    const Pages& pages_;
    Connection& made_;
    const std::vector<Shape> shapes_;
    const std::optional<std::set<PageNumber>> free_;  // nullopt: it is not known which are
    std::map<std::pair<const Shape*, std::size_t>, sqlite3_stmt*> insertions_;
    std::set<PageNumber> led_to_;
    std::set<std::string> whole_;  // tables and indexes to all of whose pages something leads
    std::vector<Doubt> doubtful_;
};

}  // namespace

Salvaged salvage(const Pages& pages, Connection& made) {
    Salvage work(pages, made);
    work.run();
    return std::move(work.found);
}

}  // namespace marginalia::store
