// What an open Store holds, shared by the files that implement it. Internal to store/.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "store/connection.h"
#include "store/error.h"
#include "store/run_lock.h"
#include "store/store.h"

namespace marginalia::store {

struct Store::State {
    std::unique_ptr<Connection> connection;
    // Both hold only what a commit made lasting or this transaction made: emptied by a rollback.
    std::unordered_map<std::string, std::int64_t> metric_ids;
    std::unordered_map<TrialId, std::int64_t> created_ms;
    std::unique_ptr<RunLock> lock;  // from this_run() on

    std::int64_t metric_id(const std::string& name);
    bool is_evaluation(TrialId trial);    // what is recorded of the trial is of its evaluation
    std::int64_t created(TrialId trial);  // throws Kind::no_match if there is no such trial
};

// For a connection that only reads: from here on its `trial` and `trials` say of a running trial whose process is gone
// that it is lost. Nothing is written; the file's own table and view stay what they are under main.trial, main.trials.
void judge_running_trials(Connection& connection);

// The two halves of what a trial was asked for, put together as text: both are JSON objects whose tables differ.
inline constexpr std::string_view whole_config =
    "CASE WHEN e.json IS NULL OR e.json = '{}' THEN c.json WHEN c.json = '{}' THEN e.json "
    "ELSE substr(c.json, 1, length(c.json) - 1) || ',' || substr(e.json, 2) END";

// Everything that a Trial holds, from `trial t JOIN config c`, in the order that `read_trial` takes it.
inline const std::string select_trial =
    "SELECT t.id, t.experiment, t.status, t.seed, " + std::string(whole_config) +
    " AS config, c.hash, t.error, t.device, t.host, t.created, t.started, "
    "t.finished, t.attempts, coalesce((SELECT max(k.step) FROM checkpoint k WHERE k.trial = t.id), -1), t.sweep, "
    "t.ran, coalesce(t.evaluation, 0), coalesce(t.trained, 0), e.status IS 'done', "
    "t.status = 'paused' AND EXISTS (SELECT 1 FROM rung r WHERE r.trial = t.id AND r.decided IS NULL), "
    "coalesce((SELECT group_concat(g.name, ',') FROM tag g WHERE g.trial = t.id), '') "
    "FROM trial t LEFT JOIN config c ON c.id = t.config LEFT JOIN evaluation e ON e.id = t.evaluation ";  // where one
                                                                                                          // is missing
                                                                                                          // the text
                                                                                                          // that is
                                                                                                          // NULL says
                                                                                                          // so

// After "FROM" or "DELETE FROM": of these not all pieces are there, or other ones.
inline constexpr std::string_view cut_checkpoints =
    "checkpoint WHERE bytes <> CASE WHEN archive IS NULL THEN length(data) ELSE (SELECT coalesce(sum(length(p.data)), "
    "0) FROM checkpoint_piece p WHERE p.trial = checkpoint.trial AND p.archive = checkpoint.archive) END";
inline constexpr std::string_view cut_states =
    "evaluation WHERE archive IS NOT NULL AND bytes IS NOT (SELECT sum(length(p.data)) FROM checkpoint_piece p WHERE "
    "p.trial = evaluation.trial AND p.archive = evaluation.archive)";

void copy_work(Connection& connection, const Source& source, TrialId to);

std::optional<std::int64_t> id_of_metric(Connection& connection, const std::string& name);
// The checkpoints of a trial that need not be kept, newest first.
std::vector<std::int64_t> steps_beyond(Connection& connection, TrialId trial, const Retention& keep);

// Of the row of this text, which is made where there is none.
std::int64_t provenance_id(Connection& connection, const std::string& json);
// Greater than those of all trials that are or were in the store.
TrialId next_trial_number(Connection& connection);

inline double seconds_of(std::int64_t milliseconds) { return static_cast<double>(milliseconds) / 1000.0; }
Trial read_trial(const Rows& row);
// From the columns host, boot_id, pid, pid_start and coalesce(heartbeat, 0).
inline Owner read_owner(const Rows& row, int column) {
    return {row.text(column), row.text(column + 1), row.integer(column + 2), row.integer(column + 3),
            row.integer(column + 4)};
}
Status read_status(const Rows& row, int column);
StoreError no_such_trial(const Connection& connection, TrialId trial);

}  // namespace marginalia::store
