#include "store/connection.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sqlite3.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <thread>

#include "store/place.h"
#include "store/sentences.h"

namespace marginalia::store {

namespace {

constexpr int busy_milliseconds = 10'000;
constexpr auto longest_nap = std::chrono::milliseconds(100);  // between two tries for a lock

struct Way {
    std::string name;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_URI;  // for what it attaches: a store's name is never a URI
    bool query_only = false;
};

Way way_to(const std::filesystem::path& file, Connection::Access access) {
    if (access == Connection::Access::write) return {file.string()};
    switch (rest_of(file)) {
        case Rest::in_use: return {file.string(), SQLITE_OPEN_READONLY};
        // SQLite makes a shared-memory file even to read, which it cannot there and need not.
        case Rest::read_only: return {immutable_uri(file), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI};
        case Rest::writable: break;
    }
    // One that may write takes the log's files away when it closes; a read-only one would leave them behind.
    return {file.string(), SQLITE_OPEN_READWRITE, true};
}

}  // namespace

Connection::Connection(const std::filesystem::path& file, Access access) : file_(file) {
    const Way way = way_to(file, access);
    if (const int code = sqlite3_open_v2(way.name.c_str(), &handle_, way.flags, nullptr); code != SQLITE_OK) {
        const int system = errno;
        const std::string words = handle_ ? sqlite3_errmsg(handle_) : "out of memory";
        sqlite3_close(handle_);
        throw sqlite_failure(file, code, words, system);
    }
    try {
        sqlite3_busy_timeout(handle_, busy_milliseconds);
        prepare(access, way.query_only);
    } catch (...) {
        sqlite3_close(handle_);
        throw;
    }
}

void Connection::prepare(Access access, bool query_only) {
    if (query_only) execute("PRAGMA query_only = 1");
    // What a file brings along in views and triggers calls no function that reaches outside.
    sqlite3_db_config(handle(), SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    sqlite3_db_config(handle(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    execute("PRAGMA cell_size_check = 1");
    if (access == Access::read) return;
    // NORMAL: a power cut may take the last transactions, never the file. Freed pages need no overwriting, and a large
    // checkpoint must not leave its size behind in the log for ever.
    execute(
        "PRAGMA synchronous = NORMAL; PRAGMA secure_delete = OFF; PRAGMA journal_size_limit = 67108864;"
        "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16000");
}

Connection::~Connection() {
    for (auto& [sql, statement] : statements_) sqlite3_finalize(statement);
    sqlite3_close(handle_);
}

void Connection::execute(const std::string& sql) {
    if (const int code = sqlite3_exec(handle(), sql.c_str(), nullptr, nullptr, nullptr); code != SQLITE_OK) fail(code);
}

void Connection::execute_beside(const std::string& sql) {
    execute("PRAGMA temp_store = MEMORY; PRAGMA query_only = 0");
    execute(sql);
    execute("PRAGMA query_only = 1");
}

sqlite3_stmt* Connection::statement(std::string_view sql) {
    if (const auto found = statements_.find(sql); found != statements_.end()) return found->second;
    sqlite3_stmt* made = nullptr;
    const int code = sqlite3_prepare_v3(handle(), sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                                        &made, nullptr);
    if (code != SQLITE_OK) fail(code);
    statements_.emplace(sql, made);
    return made;
}

std::int64_t Connection::changes() const { return sqlite3_changes64(handle()); }
std::int64_t Connection::last_id() const { return sqlite3_last_insert_rowid(handle()); }

void Connection::set_patience(Patience patience) {
    patience_ = std::move(patience);
    if (patience_) sqlite3_busy_handler(handle(), &wait_for_lock, this);
    else sqlite3_busy_timeout(handle(), busy_milliseconds);
}

int Connection::wait_for_lock(void* connection, int times_before) {
    auto& self = *static_cast<Connection*>(connection);
    const auto now = std::chrono::steady_clock::now();
    if (times_before == 0) self.waiting_since_ = now;
    if (!self.patience_(std::chrono::duration_cast<std::chrono::milliseconds>(now - self.waiting_since_))) return 0;
    std::this_thread::sleep_for(
        std::min<std::chrono::milliseconds>(longest_nap, std::chrono::milliseconds(1 + times_before * times_before)));
    return 1;
}

bool Connection::has_moved() const {
    int moved = 0;
    const int code = sqlite3_file_control(handle(), "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    return code == SQLITE_OK && moved != 0;
}

void Connection::empty_log() noexcept {
    sqlite3_busy_timeout(handle(), busy_milliseconds);
    sqlite3_wal_checkpoint_v2(handle(), "main", SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
}

std::string Connection::part_of_blob(const char* table, const char* column, std::int64_t row, std::int64_t from,
                                     std::int64_t most) {
    sqlite3_blob* blob = nullptr;
    if (const int code = sqlite3_blob_open(handle(), "main", table, column, row, 0, &blob); code != SQLITE_OK)
        fail(code);
    const auto left = std::max<std::int64_t>(0, sqlite3_blob_bytes(blob) - from);
    std::string part(static_cast<std::size_t>(std::min(most, left)), '\0');
    const int code = sqlite3_blob_read(blob, part.data(), static_cast<int>(part.size()), static_cast<int>(from));
    sqlite3_blob_close(blob);
    if (code != SQLITE_OK) fail(code);
    return part;
}

void Connection::begin() {
    if (depth_ == 0) run(*this, "BEGIN IMMEDIATE");
    else execute(fmt::format("SAVEPOINT level_{}", depth_));
    ++depth_;
}

void Connection::commit() {
    if (depth_ == 1) run(*this, "COMMIT");
    else execute(fmt::format("RELEASE level_{}", depth_ - 1));
    --depth_;
}

void Connection::rollback() noexcept {
    if (depth_ == 0) return;
    --depth_;
    // After a full disk SQLite may have rolled the whole transaction back by itself.
    if (sqlite3_get_autocommit(handle())) return;
    const auto sql =
        depth_ == 0 ? std::string("ROLLBACK") : fmt::format("ROLLBACK TO level_{0}; RELEASE level_{0}", depth_);
    sqlite3_exec(handle(), sql.c_str(), nullptr, nullptr, nullptr);
}

void Connection::fail(int code) const {
    const int extended = sqlite3_extended_errcode(handle());
    throw sqlite_failure(file_, extended == SQLITE_OK ? code : extended, sqlite3_errmsg(handle()),
                         sqlite3_system_errno(handle()));
}

void Connection::damaged(std::string_view how) const { throw damaged_store(file_, how); }

Rows::Rows(Connection& connection, std::string_view sql, const std::vector<SqlValue>& values)
    : connection_(connection), statement_(connection.statement(sql)) {
    int index = 0;
    for (const SqlValue& value : values) std::visit([&](const auto& held) { bind(++index, held); }, value);
}

Rows::~Rows() {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
}

bool Rows::next() {
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) return true;
    if (code != SQLITE_DONE) connection_.fail(code);
    return false;
}

std::int64_t Rows::integer(int column) const {
    if (sqlite3_column_type(statement_, column) != SQLITE_INTEGER) refuse(column, "a whole number");
    return sqlite3_column_int64(statement_, column);
}

double Rows::real(int column) const {
    const int type = sqlite3_column_type(statement_, column);
    if (type == SQLITE_NULL) return std::nan("");
    if (type != SQLITE_FLOAT && type != SQLITE_INTEGER) refuse(column, "a number");
    return sqlite3_column_double(statement_, column);
}

std::string Rows::text(int column) const {
    const int type = sqlite3_column_type(statement_, column);
    if (type != SQLITE_TEXT && type != SQLITE_BLOB) refuse(column, "a text");
    const void* data = sqlite3_column_blob(statement_, column);
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
    return data == nullptr ? std::string() : std::string(static_cast<const char*>(data), size);
}

void Rows::refuse(int column, std::string_view wanted) const {
    const char* name = sqlite3_column_name(statement_, column);
    damaged(null(column) ? fmt::format("'{}' of a row is missing", name == nullptr ? "?" : name)
                         : fmt::format("'{}' of a row is not {}", name == nullptr ? "?" : name, wanted));
}

bool Rows::null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

void Rows::bind(int index, std::int64_t value) { sqlite3_bind_int64(statement_, index, value); }

void Rows::bind(int index, double value) {
    if (!std::isnan(value)) sqlite3_bind_double(statement_, index, value);
    else sqlite3_bind_null(statement_, index);
}

void Rows::bind(int index, std::string_view value) {
    const char* data = value.data() == nullptr ? "" : value.data();
    if (const int code = sqlite3_bind_text64(statement_, index, data, value.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
        code != SQLITE_OK)
        connection_.fail(code);
}

void Rows::bind(int index, const Bytes& value) {
    const char* data = value.data.data() == nullptr ? "" : value.data.data();
    if (const int code = sqlite3_bind_blob64(statement_, index, data, value.data.size(), SQLITE_STATIC);
        code != SQLITE_OK)
        connection_.fail(code);
}

std::int64_t pragma(Connection& connection, const char* name) {
    Rows row(connection, fmt::format("PRAGMA {}", name));
    return row.next() ? row.integer(0) : 0;
}

std::int64_t now_ms() {
    using namespace std::chrono;
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

std::string json_list(std::span<const std::int64_t> values) { return fmt::format("[{}]", fmt::join(values, ",")); }

std::string json_list(std::span<const std::string_view> values) {
    return values.empty() ? "[]" : fmt::format("[\"{}\"]", fmt::join(values, "\",\""));
}

}  // namespace marginalia::store
