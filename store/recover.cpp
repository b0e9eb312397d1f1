#include "store/recover.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <map>
#include <memory>

#include "store/error.h"
#include "store/pages.h"
#include "store/place.h"
#include "store/repair.h"
#include "store/schema.h"
#include "store/sentences.h"
#include "store/shapes.h"

namespace marginalia::store {

namespace fs = std::filesystem;

namespace {

// Beside the new store, as that is made in it; gone in the end.
class Workshop {
public:
    explicit Workshop(const fs::path& file) {
        auto name = (folder_of(file) / fmt::format(".{}.recover-XXXXXX", file.filename().string())).string();
        if (::mkdtemp(name.data()) == nullptr) throw unwritable_store(file, folder_of(file), errno);
        folder_ = name;
    }
    ~Workshop() {
        std::error_code ignored;
        fs::remove_all(folder_, ignored);
    }
    Workshop(const Workshop&) = delete;
    fs::path operator/(const char* name) const { return folder_ / name; }

private:
    fs::path folder_;
};

// The file to read: itself, or a copy into which its log has been written, as far as SQLite can.
fs::path with_log(const fs::path& damaged, const Workshop& workshop) {
    const fs::path log = damaged.string() + "-wal";
    std::error_code missing;
    if (!fs::exists(log, missing) || fs::file_size(log, missing) == 0) return damaged;
    const auto copy = workshop / "copy.db";
    fs::copy_file(damaged, copy);
    fs::copy_file(log, copy.string() + "-wal");
    sqlite3* handle = nullptr;
    if (sqlite3_open_v2(copy.c_str(), &handle, SQLITE_OPEN_READWRITE, nullptr) == SQLITE_OK) {
        // Somebody must have read before there is a log to write back.
        sqlite3_exec(handle, "SELECT count(*) FROM sqlite_schema", nullptr, nullptr, nullptr);
        sqlite3_wal_checkpoint_v2(handle, nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
    }
    sqlite3_close(handle);
    return copy;
}

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

    // Rows by table: those that were found and not readable, and the entries of an index.
    std::map<std::string, std::int64_t> lost, entries;
    bool perhaps_deleted = false;

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
            page, [&](StoredRow&& row) { table.fits(row) ? insert(table, row) : void(++lost[table.name]); },
            [&] { ++lost[table.name]; });
    }

    void count(PageNumber page, const Shape& index) {
        pages_.rows(page, [&](StoredRow&& row) { entries[index.name] += index.fits(row) ? 1 : 0; }, [] {});
    }

    void insert(const Shape& table, const StoredRow& row) {
        std::vector<std::string> names, marks;
        for (std::size_t i = 0; i < row.values.size(); ++i)
            names.push_back(table.columns[i].name), marks.emplace_back("?");
        auto* statement = made_.statement(fmt::format("INSERT OR IGNORE INTO {}({}) VALUES ({})", table.name,
                                                      fmt::join(names, ", "), fmt::join(marks, ", ")));
        for (std::size_t i = 0; i < row.values.size(); ++i) {
            const int index = static_cast<int>(i) + 1;
            if (table.columns[i].is_rowid)
                sqlite3_bind_int64(statement, index, row.rowid);
            else
                bind_stored(statement, index, row.values[i]);
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
            perhaps_deleted = perhaps_deleted || !free;
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

void check_names(const fs::path& damaged, const fs::path& file) {
    if (!fs::exists(damaged)) throw no_such_store(damaged);
    if (!fs::is_regular_file(damaged)) throw not_a_store(damaged, "no regular file");
    if (fs::exists(fs::symlink_status(file)))
        throw StoreError(
            StoreError::Kind::failed,
            fmt::format("{} is there already and was left as it is; name a new file with --out", file.string()));
    check_place_to_write(file);
}

// Fails where the name has been taken meanwhile.
void put_in_place(const fs::path& made, const fs::path& file) {
    if (::link(made.c_str(), file.c_str()) == 0) return;
    if (errno == EPERM || errno == EOPNOTSUPP) {
        if (::rename(made.c_str(), file.c_str()) == 0) return;
    }
    throw unwritable_store(file, file, errno);
}

Recovered counts(Connection& made, Salvage& salvage, const Repairs& repairs) {
    const auto number = [&](const char* sql) {
        Rows rows(made, sql);
        return rows.next() ? rows.integer(0) : 0;
    };
    const auto of_table = [&](const char* table, const char* index, std::int64_t kept) {
        return Recovered::Count{kept, std::max(salvage.entries[index] - kept, salvage.lost[table])};
    };
    Recovered result;
    result.stand_ins = repairs.stand_ins;
    result.perhaps_deleted = salvage.perhaps_deleted;
    result.trials =
        of_table("trial", "sqlite_autoindex_trial_1", number("SELECT count(*) FROM trial") - repairs.trials);
    result.checkpoints =
        of_table("checkpoint", "sqlite_autoindex_checkpoint_1", number("SELECT count(*) FROM checkpoint"));
    result.points = {number("SELECT count(*) FROM metric"), std::max(repairs.points_lost, salvage.lost["metric"])};
    for (const auto& [table, rows] : salvage.lost)
        if (table != "trial" && table != "checkpoint" && table != "metric") result.other_rows += rows;
    return result;
}

void check_whole(Connection& made) {
    {
        Rows check(made, "PRAGMA integrity_check(1)");
        if (!check.next() || check.text(0) != "ok")
            throw damaged_store(made.file(), "what was made is not whole; is the disk or the memory failing?");
    }
    Rows(made, "PRAGMA wal_checkpoint(TRUNCATE)").next();
}

}  // namespace

Recovered recover_store(const fs::path& damaged, const fs::path& file) {
    check_names(damaged, file);
    const Workshop workshop(file);
    const auto made_file = workshop / "new.db";
    create_store(made_file);
    Recovered result;
    {
        const Pages pages(with_log(damaged, workshop));
        Connection made(made_file, Connection::Access::write);
        migrate(made);
        Salvage salvage(pages, made);
        made.begin();
        salvage.run();
        const auto repairs = repair(made);
        made.commit();
        result = counts(made, salvage, repairs);
        if (result.trials.kept + repairs.trials == 0)
            throw StoreError(
                StoreError::Kind::damaged,
                fmt::format("nothing of a store can be read in {}; go back to a copy of it", damaged.string()));
        check_whole(made);
    }
    put_in_place(made_file, file);
    return result;
}

}  // namespace marginalia::store
