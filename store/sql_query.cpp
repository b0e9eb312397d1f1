// `marginalia query`: any one statement that only reads.
#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <memory>
#include <string_view>

#include "store/connection.h"
#include "store/error.h"
#include "store/queries.h"

namespace marginalia::store {

namespace {

using Prepared = std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)>;

StoreError bad_query(std::string_view what) {
    return {StoreError::Kind::bad_query, fmt::format("the query cannot be run: {}", what)};
}

// Attaching would open, and vacuuming into a file would make, other files: the store itself is open for reading only.
int only_reading(void*, int action, const char* argument, const char* value, const char*, const char*) {
    if (action == SQLITE_ATTACH || action == SQLITE_DETACH) return SQLITE_DENY;
    // A pragma with a value sets something, but for those that describe a table.
    const bool describes = action == SQLITE_PRAGMA && std::string_view(argument).starts_with("table_");
    return action == SQLITE_PRAGMA && value != nullptr && !describes ? SQLITE_DENY : SQLITE_OK;
}

class Guard {
public:
    explicit Guard(sqlite3* handle) : handle_(handle) { sqlite3_set_authorizer(handle_, only_reading, nullptr); }
    ~Guard() { sqlite3_set_authorizer(handle_, nullptr, nullptr); }

private:
    sqlite3* handle_;
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
        case SQLITE_INTEGER:
            return std::int64_t{sqlite3_column_int64(statement, column)};
        case SQLITE_FLOAT:
            return sqlite3_column_double(statement, column);
        case SQLITE_BLOB:
            return Blob{sqlite3_column_bytes(statement, column)};
        case SQLITE_NULL:
            return std::monostate{};
        default:
            break;
    }
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
    return std::string(text, static_cast<std::size_t>(sqlite3_column_bytes(statement, column)));
}

}  // namespace

void query(Store& store, const std::string& sql, const std::function<void(const std::vector<std::string>&)>& columns,
           const std::function<bool(const std::vector<Cell>&)>& row) {
    auto* handle = store.connection().handle();
    const Guard guard(handle);
    const auto statement = prepare(handle, sql);
    const int count = sqlite3_column_count(statement.get());
    std::vector<std::string> names;
    for (int i = 0; i < count; ++i) names.emplace_back(sqlite3_column_name(statement.get(), i));
    columns(names);
    std::vector<Cell> cells(static_cast<std::size_t>(count));
    int code;
    while ((code = sqlite3_step(statement.get())) == SQLITE_ROW) {
        for (int i = 0; i < count; ++i) cells[static_cast<std::size_t>(i)] = cell(statement.get(), i);
        if (!row(cells)) return;
    }
    if (code == SQLITE_ERROR || code == SQLITE_CONSTRAINT || code == SQLITE_MISMATCH)
        throw bad_query(sqlite3_errmsg(handle));
    if (code != SQLITE_DONE) store.connection().fail(code);
}

QueryResult query(Store& store, const std::string& sql) {
    QueryResult result;
    query(
        store, sql, [&](const auto& columns) { result.columns = columns; },
        [&](const auto& cells) {
            result.rows.push_back(cells);
            return true;
        });
    return result;
}

}  // namespace marginalia::store
