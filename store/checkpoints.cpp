// Checkpoints, in pieces: one is larger than what SQLite takes for a value, or what memory should hold of it.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "store/state.h"

namespace marginalia::store {

namespace {

constexpr std::size_t piece_bytes = 4 << 20;  // of a checkpoint that comes whole; those that come in pieces keep theirs

std::vector<std::int64_t> steps_of(Connection& connection, TrialId trial) {
    Rows rows(connection, "SELECT step FROM checkpoint WHERE trial = ? ORDER BY step DESC", trial);
    std::vector<std::int64_t> steps;
    while (rows.next()) steps.push_back(rows.integer(0));
    return steps;
}

// The metric's value at `step` or the last before it; NaN if that was none or not finite.
double value_at(Connection& connection, TrialId trial, std::int64_t metric, std::int64_t step) {
    Rows row(connection,
             "SELECT value FROM metric WHERE trial = ? AND metric = ? AND step <= ? "
             "ORDER BY step DESC LIMIT 1",
             trial, metric, step);
    return row.next() ? row.real(0) : std::nan("");
}

std::optional<std::int64_t> best_step(Connection& connection, TrialId trial, const Retention& keep,
                                      const std::vector<std::int64_t>& steps) {
    const auto metric = id_of_metric(connection, keep.best_metric);
    if (!metric) return std::nullopt;
    const bool lowest = keep.best_is_lowest;
    std::optional<std::int64_t> best;
    double best_value = 0;
    for (const auto step : steps) {
        const double value = value_at(connection, trial, *metric, step);
        if (!std::isfinite(value) || (best && !(lowest ? value < best_value : value > best_value))) continue;
        best = step;
        best_value = value;
    }
    return best;
}

// A number that no checkpoint of the trial has: that of the archive which is being written.
std::int64_t unfinished_archive(Connection& connection, TrialId trial) {
    Rows rows(connection,
              "SELECT coalesce(max(archive), 0) + 1 FROM (SELECT archive FROM checkpoint WHERE trial = ?1 "
              "UNION ALL SELECT archive FROM evaluation WHERE trial = ?1)",
              trial);
    rows.next();
    return rows.integer(0);
}

std::optional<StoredCheckpoint> checkpoint_in(Rows& rows) {
    if (!rows.next()) return std::nullopt;
    StoredCheckpoint found{rows.integer(0), rows.integer(1), rows.integer(2), std::nullopt};
    if (!rows.null(3)) found.archive = rows.integer(3);
    return found;
}

StoreError cut_checkpoint(const Connection& connection, TrialId trial, std::int64_t step) {
    return {
        StoreError::Kind::no_match,
        fmt::format("the checkpoint of trial {} at step {} is not whole in store {}: a piece of it is missing, or it "
                    "was removed while it was read; take another one",
                    trial, step, connection.file().string())};
}

}  // namespace

std::vector<std::int64_t> steps_beyond(Connection& connection, TrialId trial, const Retention& keep) {
    const auto steps = steps_of(connection, trial);
    const auto best = best_step(connection, trial, keep, steps);
    std::vector<std::int64_t> beyond;
    for (auto i = static_cast<std::size_t>(std::max(1, keep.newest)); i < steps.size(); ++i)
        if (steps[i] != best) beyond.push_back(steps[i]);
    return beyond;
}

void Store::add_checkpoint_piece(TrialId trial, std::int64_t number, std::string_view bytes) {
    transaction([&] {
        state_->created(trial);
        if (number == 0) drop_unfinished_checkpoint(trial);
        run(connection(), "INSERT INTO checkpoint_piece(trial, archive, number, data) VALUES (?,?,?,?)", trial,
            unfinished_archive(connection(), trial), number, Bytes{bytes});
    });
}

void Store::drop_unfinished_checkpoint(TrialId trial) {
    run(connection(),
        "DELETE FROM checkpoint_piece WHERE trial = ?1 AND archive NOT IN "
        "(SELECT archive FROM checkpoint WHERE trial = ?1 AND archive IS NOT NULL UNION ALL "
        "SELECT archive FROM evaluation WHERE trial = ?1 AND archive IS NOT NULL)",
        trial);
}

void Store::end_checkpoint(TrialId trial, std::int64_t step, const Retention& keep) {
    transaction([&] {
        auto& db = connection();
        state_->created(trial);
        const auto archive = unfinished_archive(db, trial);
        if (state_->is_evaluation(trial)) {
            run(db,
                "UPDATE evaluation SET archive = ?2, bytes = (SELECT coalesce(sum(length(data)), 0) FROM "
                "checkpoint_piece WHERE trial = ?1 AND archive = ?2) "
                "WHERE id = (SELECT evaluation FROM trial WHERE id = ?1)",
                trial, archive);
            return drop_unfinished_checkpoint(trial);
        }
        // An earlier one of this step goes with its pieces.
        run(db, "DELETE FROM checkpoint WHERE trial = ? AND step = ?", trial, step);
        run(db,
            "INSERT INTO checkpoint(trial, step, created, bytes, data, archive) SELECT ?1, ?2, ?3, "
            "coalesce(sum(length(data)), 0), x'', ?4 FROM checkpoint_piece WHERE trial = ?1 AND archive = ?4",
            trial, step, now_ms(), archive);
        for (const auto beyond : steps_beyond(db, trial, keep))
            run(db, "DELETE FROM checkpoint WHERE trial = ? AND step = ?", trial, beyond);
        drop_unfinished_checkpoint(trial);  // all pieces that no checkpoint names any more
    });
}

void Store::add_checkpoint(TrialId trial, std::int64_t step, std::string_view bytes, const Retention& keep) {
    transaction([&] {
        drop_unfinished_checkpoint(trial);
        for (std::int64_t number = 0; !bytes.empty(); ++number) {
            add_checkpoint_piece(trial, number, bytes.substr(0, piece_bytes));
            bytes.remove_prefix(std::min(piece_bytes, bytes.size()));
        }
        end_checkpoint(trial, step, keep);
    });
}

std::optional<StoredCheckpoint> Store::find_checkpoint(TrialId trial, std::optional<std::int64_t> step) {
    if (step) {
        Rows rows(connection(), "SELECT trial, step, bytes, archive FROM checkpoint WHERE trial = ? AND step = ?",
                  trial, *step);
        return checkpoint_in(rows);
    }
    Rows rows(connection(),
              "SELECT trial, step, bytes, archive FROM checkpoint WHERE trial = ? ORDER BY step DESC LIMIT 1", trial);
    return checkpoint_in(rows);
}

std::optional<StoredCheckpoint> Store::find_evaluation_state(TrialId trial) {
    Rows rows(connection(),
              "SELECT e.trial, -1, e.bytes, e.archive FROM trial t JOIN evaluation e ON e.id = t.evaluation "
              "WHERE t.id = ? AND e.archive IS NOT NULL",
              trial);
    return checkpoint_in(rows);
}

std::string Store::checkpoint_piece(const StoredCheckpoint& checkpoint, std::int64_t number) {
    auto& db = connection();
    if (!checkpoint.archive) {
        constexpr auto most = static_cast<std::int64_t>(piece_bytes);
        Rows place(db, "SELECT rowid FROM checkpoint WHERE trial = ? AND step = ? AND archive IS NULL",
                   checkpoint.trial, checkpoint.step);
        if (number * most >= checkpoint.bytes || !place.next()) return {};
        return db.part_of_blob("checkpoint", "data", place.integer(0), number * most, most);
    }
    Rows rows(db, "SELECT data FROM checkpoint_piece WHERE trial = ? AND archive = ? AND number = ?", checkpoint.trial,
              *checkpoint.archive, number);
    return rows.next() ? rows.text(0) : std::string();
}

std::optional<std::string> Store::newest_checkpoint(TrialId trial, std::int64_t* step) {
    const auto found = find_checkpoint(trial);
    if (!found) return std::nullopt;
    if (step != nullptr) *step = found->step;
    return checkpoint_at(trial, found->step);
}

std::optional<std::string> Store::checkpoint_at(TrialId trial, std::int64_t step) {
    const auto found = find_checkpoint(trial, step);
    if (!found) return std::nullopt;
    std::string bytes;
    read_checkpoint(*found, [&](std::string_view piece) { bytes += piece; });
    return bytes;
}

void Store::read_checkpoint(const StoredCheckpoint& checkpoint, const std::function<void(std::string_view)>& take) {
    std::int64_t left = checkpoint.bytes;
    for (std::int64_t number = 0; left > 0; ++number) {
        const auto piece = checkpoint_piece(checkpoint, number);
        left -= static_cast<std::int64_t>(piece.size());
        if (piece.empty() || left < 0) throw cut_checkpoint(connection(), checkpoint.trial, checkpoint.step);
        take(piece);
    }
}

}  // namespace marginalia::store
