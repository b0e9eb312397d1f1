#include "store/store.h"

#include <fmt/format.h>

#include <algorithm>

#include "store/place.h"
#include "store/schema.h"
#include "store/sentences.h"
#include "store/state.h"

namespace marginalia::store {

namespace {

std::filesystem::path copy_to_free_name(Connection& from, const std::filesystem::path& name) {
    for (int number = 1;; ++number)
        if (const std::filesystem::path copy = fmt::format("{}.rescued-{}", name.string(), number);
            copy_store(from, copy))
            return copy;
}

}  // namespace

Store::Store(std::unique_ptr<Connection> connection) : state_(std::make_unique<State>()) {
    state_->connection = std::move(connection);
}
Store::Store(Store&&) noexcept = default;
Store::~Store() = default;

Store Store::open(const std::filesystem::path& file, Patience patience, const SplitConfig& split) {
    check_name(file);
    if (std::filesystem::exists(file)) check_is_store(file);
    check_place_to_write(file);
    if (!std::filesystem::exists(file)) create_store(file);
    auto connection = std::make_unique<Connection>(file, Connection::Access::write);
    if (patience) connection->set_patience(std::move(patience));
    migrate(*connection, split);
    return Store(std::move(connection));
}

Store Store::open_to_read(const std::filesystem::path& file) {
    check_name(file);
    if (!std::filesystem::exists(file)) throw no_such_store(file);
    check_is_store(file);
    auto connection = std::make_unique<Connection>(file, Connection::Access::read);
    check_version(*connection);
    judge_running_trials(*connection);
    return Store(std::move(connection));
}

Connection& Store::connection() { return *state_->connection; }
const std::filesystem::path& Store::file() const { return state_->connection->file(); }

void Store::set_patience(Patience patience) { state_->connection->set_patience(std::move(patience)); }
bool Store::has_moved() const { return state_->connection->has_moved(); }

bool Store::copy_to(const std::filesystem::path& file) { return copy_store(connection(), file); }

void Store::move_beside() {
    auto& moved = *state_->connection;
    std::filesystem::path copy;
    try {
        copy = copy_to_free_name(moved, moved.file());
    } catch (const StoreError& error) {
        if (error.kind() != StoreError::Kind::read_only) throw;
        // Its folder has gone as well.
        copy = copy_to_free_name(moved, std::filesystem::temp_directory_path() / moved.file().filename());
    }
    auto connection = std::make_unique<Connection>(copy, Connection::Access::write);
    migrate(*connection, {});
    // The log must not be found beside another file that has taken the path.
    moved.empty_log();
    state_->connection = std::move(connection);
}

void Store::begin() { state_->connection->begin(); }

void Store::commit() {
    try {
        state_->connection->commit();
    } catch (...) {
        rollback();
        throw;
    }
}

void Store::rollback() noexcept {
    state_->metric_ids.clear();
    state_->created_ms.clear();
    state_->connection->rollback();
}

std::int64_t Store::State::metric_id(const std::string& name) {
    if (const auto known = metric_ids.find(name); known != metric_ids.end()) return known->second;
    run(*connection, "INSERT INTO metric_name(name) VALUES (?) ON CONFLICT DO NOTHING", name);
    Rows rows(*connection, "SELECT id FROM metric_name WHERE name = ?", name);
    rows.next();
    return metric_ids.emplace(name, rows.integer(0)).first->second;
}

std::int64_t Store::State::created(TrialId trial) {
    if (const auto known = created_ms.find(trial); known != created_ms.end()) return known->second;
    Rows rows(*connection, "SELECT created FROM trial WHERE id = ?", trial);
    if (!rows.next()) throw no_such_trial(*connection, trial);
    return created_ms.emplace(trial, rows.integer(0)).first->second;
}

bool Store::State::is_evaluation(TrialId trial) {
    Rows rows(*connection, "SELECT trained = 1 AND evaluation IS NOT NULL FROM trial WHERE id = ?", trial);
    return rows.next() && !rows.null(0) && rows.integer(0) == 1;
}

StoreError no_such_trial(const Connection& connection, TrialId trial) {
    return {StoreError::Kind::no_match,
            fmt::format("there is no trial {} in store {}; see: marginalia list", trial, connection.file().string())};
}

Status read_status(const Rows& row, int column) {
    const auto name = row.text(column);
    const auto status = find_status(name);
    if (!status) row.damaged(fmt::format("a trial's status is '{}'", name.substr(0, 40)));
    return *status;
}

Trial read_trial(const Rows& row) {
    const auto seconds = [&row](int column) {
        return row.null(column) ? std::optional<double>() : static_cast<double>(row.integer(column)) / 1000.0;
    };
    return {.id = row.integer(0),
            .experiment = row.text(1),
            .status = read_status(row, 2),
            .seed = row.integer(3),
            .config = row.text(4),
            .config_hash = row.text(5),
            .error = row.text(6),
            .device = row.text(7),
            .host = row.text(8),
            .created = seconds(9),
            .started = seconds(10),
            .finished = seconds(11),
            .attempts = row.integer(12),
            .checkpoint_step = row.integer(13),
            .sweep = row.integer(14),
            .seconds = std::max(0.0, static_cast<double>(row.integer(15)) / 1000.0),
            .evaluation = row.integer(16),
            .trained = row.integer(17) == 1,
            .evaluated = row.integer(18) == 1,
            .waits = row.integer(19) == 1,
            .tags = row.text(20)};
}

std::optional<Trial> Store::find(TrialId trial) {
    Rows rows(connection(), select_trial + "WHERE t.id = ?", trial);
    return rows.next() ? std::optional(read_trial(rows)) : std::nullopt;
}

}  // namespace marginalia::store
