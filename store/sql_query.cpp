// `marginalia query`: any one statement that only reads.
#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <memory>
#include <new>
#include <string_view>

#include "store/connection.h"
#include "store/error.h"
#include "store/queries.h"

namespace marginalia::store {

namespace {

using Prepared = std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)>;

constexpr std::int64_t table_share = 8;     // a table of text is several times as large as its texts
constexpr int longest_value = 100'000'000;  // bytes

StoreError bad_query(std::string_view what) {
    return {StoreError::Kind::bad_query, fmt::format("the query cannot be run: {}", what)};
}

// Those that describe a table, or list what there is, may have a value.
bool describes(std::string_view pragma) {
    return pragma.ends_with("_info") || pragma.ends_with("_xinfo") || pragma.ends_with("_list");
}

// Pragmas that tell something. Others change something, wal_checkpoint and optimize without a value too.
bool only_tells(std::string_view pragma) {
    static constexpr std::array names = {"user_version", "application_id",  "schema_version", "page_count",
                                         "page_size",    "freelist_count",  "encoding",       "data_version",
                                         "quick_check",  "integrity_check", "compile_options"};
    return std::ranges::find(names, pragma) != names.end();
}

// Attaching would open, and vacuuming into a file would make, other files: the store itself is open for reading only.
int only_reading(void*, int action, const char* argument, const char* value, const char*, const char*) {
    if (action == SQLITE_ATTACH || action == SQLITE_DETACH) return SQLITE_DENY;
    if (action == SQLITE_FUNCTION && value != nullptr && std::string_view(value) == "load_extension")
        return SQLITE_DENY;
    if (action != SQLITE_PRAGMA) return SQLITE_OK;
    std::string pragma(argument == nullptr ? "" : argument);
    std::ranges::transform(pragma, pragma.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return describes(pragma) || (only_tells(pragma) && value == nullptr) ? SQLITE_OK : SQLITE_DENY;
}

// What holds for a statement that a user wrote, while it runs.
class Guard {
public:
    Guard(sqlite3* handle, const QueryLimits& limits) : handle_(handle), memory_(sqlite3_hard_heap_limit64(-1)) {
        sqlite3_set_authorizer(handle_, only_reading, nullptr);
        if (limits.bytes > 0) {
            sqlite3_exec(handle_, "PRAGMA temp_store = MEMORY", nullptr, nullptr, nullptr);
            sqlite3_hard_heap_limit64(limits.bytes);
            length_ = sqlite3_limit(handle_, SQLITE_LIMIT_LENGTH, longest_value);
        }
        constexpr int steps = 10'000;  // of SQLite's machine, less than a millisecond
        if (limits.stopped) sqlite3_progress_handler(handle_, steps, is_stopped, const_cast<QueryLimits*>(&limits));
    }
    ~Guard() {
        sqlite3_progress_handler(handle_, 0, nullptr, nullptr);
        sqlite3_hard_heap_limit64(memory_);
        sqlite3_limit(handle_, SQLITE_LIMIT_LENGTH, length_);
        sqlite3_set_authorizer(handle_, nullptr, nullptr);
    }
    Guard(const Guard&) = delete;

private:
    static int is_stopped(void* limits) { return static_cast<const QueryLimits*>(limits)->stopped() ? 1 : 0; }

    sqlite3* handle_;
    sqlite3_int64 memory_;
    int length_ = -1;  // as it was
};

// SQLite says of some of these that a view cannot be modified, which is beside the point.
bool changes_something(std::string_view sql) {
    const std::size_t begin = std::min(sql.find_first_not_of(" \t\r\n"), sql.size());
    std::string word;
    for (const char c : sql.substr(begin)) {
        if (!std::isalpha(static_cast<unsigned char>(c))) break;
        word += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
    static constexpr std::array words = {"DELETE", "INSERT", "UPDATE", "REPLACE", "CREATE", "DROP", "ALTER"};
    return std::find(words.begin(), words.end(), word) != words.end();
}

// Blanks and comments make no statement.
bool is_blank(sqlite3* handle, const char* sql) {
    sqlite3_stmt* made = nullptr;
    const int code = sqlite3_prepare_v2(handle, sql, -1, &made, nullptr);
    sqlite3_finalize(made);
    return code == SQLITE_OK && made == nullptr;
}

Prepared prepare(sqlite3* handle, const std::string& sql) {
    sqlite3_stmt* made = nullptr;
    const char* rest = nullptr;
    const int code = sqlite3_prepare_v2(handle, sql.c_str(), static_cast<int>(sql.size()) + 1, &made, &rest);
    Prepared statement(made, sqlite3_finalize);
    if (code == SQLITE_NOMEM || code == SQLITE_INTERRUPT) throw bad_query(sqlite3_errstr(code));
    if (code == SQLITE_AUTH || (code != SQLITE_OK && changes_something(sql)))
        throw bad_query("only statements that read this store are allowed");
    if (code != SQLITE_OK)
        throw bad_query(fmt::format("{}; docs/store.md has the views and their columns", sqlite3_errmsg(handle)));
    if (!statement) throw bad_query("it is empty; try: SELECT * FROM trials");
    if (!is_blank(handle, rest)) throw bad_query("it holds more than one statement; give them one by one");
    if (!sqlite3_stmt_readonly(statement.get())) throw bad_query("only statements that read this store are allowed");
    return statement;
}

Cell cell(sqlite3_stmt* statement, int column) {
    switch (sqlite3_column_type(statement, column)) {
        case SQLITE_INTEGER: return std::int64_t{sqlite3_column_int64(statement, column)};
        case SQLITE_FLOAT: return sqlite3_column_double(statement, column);
        case SQLITE_BLOB: return Blob{sqlite3_column_bytes(statement, column)};
        case SQLITE_NULL: return std::monostate{};
        default: break;
    }
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
    if (text == nullptr) throw std::bad_alloc();  // the limit of memory is reached
    return std::string(text, static_cast<std::size_t>(sqlite3_column_bytes(statement, column)));
}

StoreError too_much(const QueryLimits& limits) {
    return bad_query(
        fmt::format("it needs more than {} MB of memory; ask for fewer rows, or leave out what sorts or groups them",
                    limits.bytes / 1'000'000));
}

[[noreturn]] void fail(Connection& connection, const QueryLimits& limits, int code) {
    if (code == SQLITE_NOMEM) throw too_much(limits);
    if (code == SQLITE_TOOBIG)
        throw bad_query(fmt::format("a value of it is longer than {} MB", longest_value / 1'000'000));
    if (code == SQLITE_INTERRUPT) throw StoreError(StoreError::Kind::stopped, "the query was stopped");
    if (code == SQLITE_ERROR || code == SQLITE_CONSTRAINT || code == SQLITE_MISMATCH)
        throw bad_query(sqlite3_errmsg(connection.handle()));
    connection.fail(code);
}

}  // namespace

void query(Store& store, const std::string& sql, const std::function<void(const std::vector<std::string>&)>& columns,
           const std::function<bool(const std::vector<Cell>&)>& row, const QueryLimits& limits) {
    auto* handle = store.connection().handle();
    const Guard guard(handle, limits);
    const auto statement = prepare(handle, sql);
    const int count = sqlite3_column_count(statement.get());
    std::vector<std::string> names;
    for (int i = 0; i < count; ++i) names.emplace_back(sqlite3_column_name(statement.get(), i));
    columns(names);
    std::vector<Cell> cells(static_cast<std::size_t>(count));
    int code;
    while ((code = sqlite3_step(statement.get())) == SQLITE_ROW) {
        try {
            for (int i = 0; i < count; ++i) cells[static_cast<std::size_t>(i)] = cell(statement.get(), i);
        } catch (const std::bad_alloc&) {
            throw too_much(limits);
        }
        if (!row(cells)) return;
        if (limits.stopped && limits.stopped()) fail(store.connection(), limits, SQLITE_INTERRUPT);
    }
    if (code != SQLITE_DONE) fail(store.connection(), limits, code & 0xff);
}

void check_query(Store& store, const std::string& sql) {
    const Guard guard(store.connection().handle(), {});
    prepare(store.connection().handle(), sql);
}

QueryResult query(Store& store, const std::string& sql, const QueryLimits& limits) {
    QueryResult result;
    std::int64_t bytes = 0;
    query(
        store, sql, [&](const auto& columns) { result.columns = columns; },
        [&](const auto& cells) {
            for (const auto& cell : cells)
                if (const auto* text = std::get_if<std::string>(&cell)) bytes += std::ssize(*text);
            if (limits.bytes > 0 && bytes > limits.bytes / table_share) throw too_much(limits);
            result.rows.push_back(cells);
            return limits.rows < 0 || std::ssize(result.rows) <= limits.rows;
        },
        limits);
    if (limits.rows >= 0 && std::ssize(result.rows) > limits.rows)
        throw bad_query(
            fmt::format("it gives more than {} rows, too many for a table; add LIMIT, or take --format csv or json, "
                        "which hold none of them",
                        limits.rows));
    return result;
}

}  // namespace marginalia::store
