// One SQLite connection: cached statements, nested transactions, and errors as StoreError sentences.
// Internal to store/. One thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "store/patience.h"

struct sqlite3;
struct sqlite3_stmt;

namespace marginalia::store {

class Connection {
public:
    enum class Access { write, read };

    // Opens an existing SQLite file and sets this connection's pragmas; looks at nothing in it.
    Connection(const std::filesystem::path& file, Access access);
    Connection(const Connection&) = delete;
    ~Connection();

    const std::filesystem::path& file() const { return file_; }
    sqlite3* handle() const { return handle_; }

    void execute(const std::string& sql);           // any number of statements, no parameters
    sqlite3_stmt* statement(std::string_view sql);  // prepared once, owned here
    // The same for what is made in memory beside a file that is open for reading.
    void execute_beside(const std::string& sql);
    std::int64_t changes() const;
    std::int64_t last_id() const;

    // For as long as this connection lives, or until the next call.
    void set_patience(Patience patience);

    // Whether the path that was opened now leads to another file, or to none.
    bool has_moved() const;

    // Writes the log back and leaves nothing in it, as far as others who read allow.
    void empty_log() noexcept;

    // A part of a value of a table that has row numbers, without the rest of it in memory.
    std::string part_of_blob(const char* table, const char* column, std::int64_t row, std::int64_t from,
                             std::int64_t most);

    // BEGIN IMMEDIATE at the outermost level, savepoints within. A begin() is answered by one rollback(), or by one
    // commit() that does not throw.
    void begin();
    void commit();
    void rollback() noexcept;
    bool in_transaction() const { return depth_ > 0; }

    // Turns SQLite's result code into a StoreError about this file.
    [[noreturn]] void fail(int code) const;
    // Throws Kind::damaged: the file opens, but holds what no marginalia writes.
    [[noreturn]] void damaged(std::string_view how) const;

private:
    struct TextHash : std::hash<std::string_view> {
        using is_transparent = void;
    };

    void prepare(Access access, bool query_only);

    std::filesystem::path file_;
    sqlite3* handle_ = nullptr;
    std::unordered_map<std::string, sqlite3_stmt*, TextHash, std::equal_to<>> statements_;
    int depth_ = 0;
    Patience patience_;
    std::chrono::steady_clock::time_point waiting_since_;

    static int wait_for_lock(void* connection, int times_before);
};

// Bytes that stay where they are until the statement has run (a checkpoint is not copied).
struct Bytes {
    std::string_view data;
};

// A parameter whose type is known when the program runs.
using SqlValue = std::variant<std::int64_t, double, std::string>;

// A statement in use: parameters bound in order, rows taken one by one, reset at the end of the scope. The same SQL
// must not be in use twice at a time. Non-finite numbers are bound as NULL. SQLite lets any column hold a value of any
// type: those that read one throw Kind::damaged where it is of another than theirs.
class Rows {
public:
    template <class... Values>
    Rows(Connection& connection, std::string_view sql, const Values&... values)
        : connection_(connection), statement_(connection.statement(sql)) {
        int index = 0;
        (bind(++index, values), ...);
    }
    Rows(Connection& connection, std::string_view sql, const std::vector<SqlValue>& values);
    Rows(const Rows&) = delete;
    ~Rows();

    bool next();
    std::int64_t integer(int column) const;
    double real(int column) const;       // NaN where NULL
    std::string text(int column) const;  // of a text or a blob
    bool null(int column) const;
    [[noreturn]] void damaged(std::string_view how) const { connection_.damaged(how); }

private:
    [[noreturn]] void refuse(int column, std::string_view wanted) const;
    void bind(int index, std::int64_t value);
    void bind(int index, int value) { bind(index, static_cast<std::int64_t>(value)); }
    void bind(int index, double value);
    void bind(int index, std::string_view value);
    void bind(int index, const std::string& value) { bind(index, std::string_view(value)); }
    void bind(int index, const char* value) { bind(index, std::string_view(value)); }
    void bind(int index, const Bytes& value);

    Connection& connection_;
    sqlite3_stmt* statement_;
};

// A statement run for its effect; returns the number of rows changed.
template <class... Values>
std::int64_t run(Connection& connection, std::string_view sql, const Values&... values) {
    Rows(connection, sql, values...).next();
    return connection.changes();
}

std::int64_t pragma(Connection& connection, const char* name);    // of one whose value is a whole number
std::int64_t now_ms();                                            // since the epoch
std::string json_list(std::span<const std::int64_t> values);      // "[1,2]", for json_each(?)
std::string json_list(std::span<const std::string_view> values);  // of plain words

}  // namespace marginalia::store
