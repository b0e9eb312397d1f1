#include "store/schema.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <string>

#include "store/curve_parts.h"
#include "store/place.h"
#include "store/sentences.h"
#include "store/state.h"

namespace marginalia::store {

namespace fs = std::filesystem;

namespace {

// Times are milliseconds since the epoch; a metric's time counts from its trial's creation, which makes it two bytes
// shorter a point. The views turn them into text and seconds.
constexpr std::string_view version_1 = R"sql(
CREATE TABLE provenance(id INTEGER PRIMARY KEY, json TEXT NOT NULL);
CREATE INDEX provenance_by_length ON provenance(length(json));
CREATE TABLE sweep(
    id INTEGER PRIMARY KEY, experiment TEXT NOT NULL, description TEXT NOT NULL, file TEXT NOT NULL,
    toml TEXT NOT NULL, provenance INTEGER NOT NULL, created INTEGER NOT NULL);
CREATE TABLE config(id INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE, json TEXT NOT NULL);
CREATE TABLE trial(
    id INTEGER PRIMARY KEY, experiment TEXT NOT NULL, config INTEGER NOT NULL, seed INTEGER NOT NULL,
    sweep INTEGER NOT NULL, status TEXT NOT NULL, error TEXT NOT NULL DEFAULT '', device TEXT NOT NULL DEFAULT '',
    threads INTEGER NOT NULL DEFAULT 0, host TEXT NOT NULL DEFAULT '', boot_id TEXT NOT NULL DEFAULT '',
    pid INTEGER NOT NULL DEFAULT 0, pid_start INTEGER NOT NULL DEFAULT 0, created INTEGER NOT NULL, started INTEGER,
    attempt_started INTEGER, finished INTEGER, ran INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0,
    UNIQUE(experiment, config, seed));
CREATE INDEX trial_running ON trial(id) WHERE status = 'running';
CREATE TABLE sweep_trial(sweep INTEGER, trial INTEGER, PRIMARY KEY(sweep, trial)) WITHOUT ROWID;
CREATE TABLE metric_name(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE metric(
    trial INTEGER, metric INTEGER, step INTEGER, value REAL, time INTEGER NOT NULL,
    PRIMARY KEY(trial, metric, step)) WITHOUT ROWID;
CREATE TABLE summary(
    trial INTEGER, metric INTEGER, n INTEGER NOT NULL, nonfinite INTEGER NOT NULL, last REAL,
    last_step INTEGER NOT NULL, min REAL, min_step INTEGER, max REAL, max_step INTEGER,
    PRIMARY KEY(trial, metric)) WITHOUT ROWID;
CREATE INDEX summary_by_last ON summary(metric, last);
CREATE TABLE final_metric(trial INTEGER, metric INTEGER, value REAL, PRIMARY KEY(trial, metric)) WITHOUT ROWID;
CREATE INDEX final_metric_by_value ON final_metric(metric, value);
CREATE TABLE checkpoint(
    trial INTEGER NOT NULL, step INTEGER NOT NULL, created INTEGER NOT NULL, bytes INTEGER NOT NULL,
    data BLOB NOT NULL, PRIMARY KEY(trial, step));
CREATE TABLE sample(
    trial INTEGER NOT NULL, name TEXT NOT NULL, step INTEGER NOT NULL, kind TEXT NOT NULL, data TEXT NOT NULL,
    PRIMARY KEY(trial, name, step));

CREATE VIEW trials AS
    SELECT t.id AS trial_id, t.experiment, t.status, t.seed, c.json AS config, c.hash AS config_hash,
        strftime('%Y-%m-%dT%H:%M:%fZ', t.created / 1000.0, 'unixepoch') AS created,
        strftime('%Y-%m-%dT%H:%M:%fZ', t.started / 1000.0, 'unixepoch') AS started,
        strftime('%Y-%m-%dT%H:%M:%fZ', t.finished / 1000.0, 'unixepoch') AS finished,
        nullif(t.device, '') AS device, nullif(t.host, '') AS host, nullif(t.error, '') AS error,
        t.attempts, t.ran / 1000.0 AS seconds, t.threads, t.sweep AS sweep_id
    FROM trial t JOIN config c ON c.id = t.config;
CREATE VIEW metrics AS
    SELECT m.trial AS trial_id, n.name, m.step, m.value, (t.created + m.time) / 1000.0 AS time
    FROM metric m JOIN metric_name n ON n.id = m.metric JOIN trial t ON t.id = m.trial;
CREATE VIEW final_metrics AS
    SELECT f.trial AS trial_id, n.name, f.value FROM final_metric f JOIN metric_name n ON n.id = f.metric;
CREATE VIEW checkpoints AS
    SELECT trial AS trial_id, step, bytes, strftime('%Y-%m-%dT%H:%M:%fZ', created / 1000.0, 'unixepoch') AS created
    FROM checkpoint;
CREATE VIEW summaries AS
    SELECT s.trial AS trial_id, n.name, s.n, s.nonfinite, s.last, s.last_step, s.min, s.min_step, s.max, s.max_step
    FROM summary s JOIN metric_name n ON n.id = s.metric;
CREATE VIEW samples AS SELECT trial AS trial_id, name, step, kind, data FROM sample;
CREATE VIEW sweeps AS
    SELECT s.id AS sweep_id, s.experiment, s.description, s.file, s.toml, p.json AS provenance,
        strftime('%Y-%m-%dT%H:%M:%fZ', s.created / 1000.0, 'unixepoch') AS created,
        (SELECT count(*) FROM sweep_trial x WHERE x.sweep = s.id) AS trials
    FROM sweep s JOIN provenance p ON p.id = s.provenance;
)sql";

// A checkpoint's bytes are the pieces of its archive, in order. Where `archive` is NULL, version 1 wrote it and all of
// it is in `data`, which is empty otherwise. An archive that no checkpoint names is one that is being written, or was
// when its trial ended.
constexpr std::string_view version_2 = R"sql(
ALTER TABLE checkpoint ADD COLUMN archive INTEGER;
CREATE TABLE checkpoint_piece(
    trial INTEGER NOT NULL, archive INTEGER NOT NULL, number INTEGER NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY(trial, archive, number));
)sql";

// What shapes a trial's weights is its config; how they are evaluated, an evaluation. One of these is shown: the one
// that was asked for last, whose figures `final_metric` has beside those of the training, so that a ranking walks one
// index; `figure` has those of all. A trial that is trained has the status of the evaluation that is shown. `archive`
// is that of the stages which are done of one that is not.
constexpr std::string_view version_3 = R"sql(
ALTER TABLE trial ADD COLUMN evaluation INTEGER;
ALTER TABLE trial ADD COLUMN trained INTEGER;
ALTER TABLE trial ADD COLUMN training_started INTEGER;
CREATE TABLE evaluation(
    id INTEGER PRIMARY KEY, trial INTEGER NOT NULL, hash TEXT NOT NULL, json TEXT NOT NULL, status TEXT NOT NULL,
    error TEXT NOT NULL DEFAULT '', created INTEGER NOT NULL, finished INTEGER, archive INTEGER, bytes INTEGER,
    UNIQUE(trial, hash));
CREATE TABLE figure(
    trial INTEGER, evaluation INTEGER, metric INTEGER, value REAL, PRIMARY KEY(trial, evaluation, metric))
    WITHOUT ROWID;
UPDATE trial SET training_started = attempt_started;
UPDATE trial SET trained = 1 WHERE status = 'done';
DROP VIEW trials;
CREATE VIEW evaluation_metrics AS
    SELECT f.trial AS trial_id, f.evaluation AS evaluation_id, n.name, f.value
    FROM figure f JOIN metric_name n ON n.id = f.metric;
)sql";

// What a trial's device is: the numbers by which devices go change with the machine and with CUDA_VISIBLE_DEVICES.
constexpr std::string_view version_4 = R"sql(
ALTER TABLE trial ADD COLUMN device_name TEXT;
ALTER TABLE trial ADD COLUMN device_id TEXT;
ALTER TABLE trial ADD COLUMN device_memory INTEGER;
ALTER TABLE trial ADD COLUMN driver TEXT;
)sql";

// What people and hosts say to each other about a trial while it runs, and what people say about it afterwards.
// `heartbeat` and `progress` are what its host wrote last; a `request` is what somebody asks of that host, which
// removes it when that is done; `log` is what the trial's process printed, in pieces; a `rung` is a step at which it
// was compared with others, and what was decided; a `setback` is why it goes on with a part of its learning rate. A
// `saved_query` is of kind 'sql' or 'condition'; a `curve_part` is some points in a row, added up (curve_parts.h). With
// the views, of which versions 3 and 4 had the first form.
constexpr std::string_view version_5 = R"sql(
ALTER TABLE trial ADD COLUMN heartbeat INTEGER;
CREATE INDEX trial_trained ON trial(experiment, seed) WHERE trained = 1;
CREATE TABLE progress(
    trial INTEGER PRIMARY KEY, phase TEXT NOT NULL, done INTEGER NOT NULL, total INTEGER NOT NULL,
    rate REAL NOT NULL);
CREATE TABLE request(trial INTEGER PRIMARY KEY, what TEXT NOT NULL, created INTEGER NOT NULL);
CREATE TABLE log(
    trial INTEGER, number INTEGER, created INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY(trial, number))
    WITHOUT ROWID;
CREATE TABLE rung(
    trial INTEGER, number INTEGER, step INTEGER NOT NULL, value REAL, decision TEXT NOT NULL, decided INTEGER,
    PRIMARY KEY(trial, number)) WITHOUT ROWID;
CREATE TABLE setback(trial INTEGER PRIMARY KEY, rate REAL NOT NULL, reason TEXT NOT NULL);
CREATE TABLE tag(trial INTEGER, name TEXT, PRIMARY KEY(trial, name)) WITHOUT ROWID;
CREATE INDEX tag_by_name ON tag(name);
CREATE TABLE note(
    id INTEGER PRIMARY KEY, trial INTEGER NOT NULL, created INTEGER NOT NULL, text TEXT NOT NULL);
CREATE INDEX note_by_trial ON note(trial);
CREATE TABLE removed(trial INTEGER PRIMARY KEY, time INTEGER NOT NULL);
CREATE TABLE saved_query(
    name TEXT PRIMARY KEY, kind TEXT NOT NULL, text TEXT NOT NULL, created INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE curve_part(
    trial INTEGER, metric INTEGER, level INTEGER, last_step INTEGER, first_step INTEGER NOT NULL,
    count INTEGER NOT NULL, sum REAL NOT NULL, min REAL, max REAL, step_sum REAL NOT NULL,
    PRIMARY KEY(trial, metric, level, last_step)) WITHOUT ROWID;
CREATE VIEW tags AS SELECT trial AS trial_id, name FROM tag;
CREATE VIEW notes AS
    SELECT trial AS trial_id, strftime('%Y-%m-%dT%H:%M:%fZ', created / 1000.0, 'unixepoch') AS created, text FROM note;
CREATE VIEW logs AS
    SELECT trial AS trial_id, number, strftime('%Y-%m-%dT%H:%M:%fZ', created / 1000.0, 'unixepoch') AS created,
        CAST(data AS TEXT) AS text FROM log;
CREATE VIEW rungs AS
    SELECT trial AS trial_id, number AS rung, step, value, decision,
        strftime('%Y-%m-%dT%H:%M:%fZ', decided / 1000.0, 'unixepoch') AS decided FROM rung;
DROP VIEW IF EXISTS trials;
DROP VIEW IF EXISTS evaluations;
)sql";

const std::string whole_version_5 = std::string(version_5) + views_over("trial", "");

const std::array<std::string_view, 5> all_migrations{version_1, version_2, version_3, version_4, whole_version_5};
constexpr std::int64_t layout_of_evaluations = 3, layout_of_curve_parts = 5;

std::int64_t version_of(Connection& connection) {
    Rows rows(connection, "PRAGMA user_version");
    rows.next();
    return rows.integer(0);
}

void check_not_newer(Connection& connection, std::span<const std::string_view> steps) {
    const auto known = static_cast<std::int64_t>(steps.size());
    if (const auto version = version_of(connection); version > known)
        throw newer_store(connection.file(), version, known);
    else if (version < 0) connection.damaged(fmt::format("its layout version is {}", version));
    Rows tables(connection, "SELECT count(*) FROM sqlite_schema");  // reads the schema: damage shows now, not later
    if (tables.next() && tables.integer(0) > 0 && version_of(connection) == 0)
        connection.damaged("it has tables and no layout version");
}

void use_write_ahead_log(Connection& connection) {
    Rows mode(connection, "PRAGMA journal_mode = WAL");
    if (!mode.next() || mode.text(0) != "wal") throw no_shared_memory(connection.file());
}

void apply(Connection& connection, const SplitConfig& split, std::span<const std::string_view> steps) {
    const auto known = static_cast<std::int64_t>(steps.size());
    connection.begin();
    try {
        // Another process may have done it while this one waited for the lock.
        for (auto version = version_of(connection); version < known; ++version) {
            connection.execute(std::string(steps[static_cast<std::size_t>(version)]));
            if (version + 1 == layout_of_evaluations && split) split_configs(connection, split);
        }
        if (known >= layout_of_curve_parts) rebuild_parts(connection);
        connection.execute(fmt::format("PRAGMA user_version = {}", known));
        connection.commit();
    } catch (...) {
        connection.rollback();
        throw;
    }
}

// The file under construction, gone with all that SQLite put beside it unless it was put in place.
class Draft {
public:
    explicit Draft(const fs::path& file) : file_(file) {
        static std::atomic<int> count = 0;
        const auto name = fmt::format(".{}.new-{}-{}", file.filename().string(), getpid(), ++count);
        path_ = folder_of(file) / name;
        const int made = open(path_.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0644);
        if (made < 0) throw failure(errno);
        close(made);
    }

    ~Draft() {
        std::error_code ignored;
        for (const auto* suffix : {"", "-journal", "-wal", "-shm"}) fs::remove(path_.string() + suffix, ignored);
    }

    const fs::path& path() const { return path_; }

    // Fails where the name is taken: of two processes that make the same store one wins, both go on with it.
    // false: somebody else did.
    bool put_in_place() {
        if (renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, file_.c_str(), RENAME_NOREPLACE) == 0) return true;
        if (errno != EINVAL && errno != ENOSYS) return is_taken();
        if (link(path_.c_str(), file_.c_str()) == 0) return true;
        if (errno != EPERM && errno != EOPNOTSUPP) return is_taken();
        if (rename(path_.c_str(), file_.c_str()) != 0) throw failure(errno);
        return true;
    }

private:
    bool is_taken() const {
        if (errno != EEXIST) throw failure(errno);
        return false;
    }

    StoreError failure(int error) const {
        if (is_lack_of_room(error)) return full_disk(file_, error);
        return unwritable_store(file_, folder_of(file_), error);
    }

    fs::path file_, path_;
};

}  // namespace

std::span<const std::string_view> migrations() { return all_migrations; }

std::string views_over(std::string_view trial, std::string_view temporary) {
    return fmt::format(R"sql(
CREATE {1} VIEW trials AS
    SELECT t.id AS trial_id, t.experiment, t.status, t.seed, {2} AS config, c.hash AS config_hash,
        strftime('%Y-%m-%dT%H:%M:%fZ', t.created / 1000.0, 'unixepoch') AS created,
        strftime('%Y-%m-%dT%H:%M:%fZ', t.started / 1000.0, 'unixepoch') AS started,
        strftime('%Y-%m-%dT%H:%M:%fZ', t.finished / 1000.0, 'unixepoch') AS finished,
        nullif(t.device, '') AS device, nullif(t.host, '') AS host, nullif(t.error, '') AS error,
        t.attempts, t.ran / 1000.0 AS seconds, t.threads, t.sweep AS sweep_id, t.trained IS 1 AS trained,
        t.evaluation AS evaluation_id, t.device_name, t.device_id, t.device_memory, t.driver,
        (SELECT group_concat(g.name, ',') FROM tag g WHERE g.trial = t.id) AS tags
    FROM {0} t JOIN config c ON c.id = t.config LEFT JOIN evaluation e ON e.id = t.evaluation;
CREATE {1} VIEW evaluations AS
    SELECT e.trial AS trial_id, e.id AS evaluation_id, e.json AS config, e.id IS t.evaluation AS shown,
        CASE WHEN e.id IS t.evaluation AND t.trained = 1 THEN t.status ELSE e.status END AS status,
        strftime('%Y-%m-%dT%H:%M:%fZ', e.created / 1000.0, 'unixepoch') AS created,
        strftime('%Y-%m-%dT%H:%M:%fZ', e.finished / 1000.0, 'unixepoch') AS finished, nullif(e.error, '') AS error
    FROM evaluation e JOIN {0} t ON t.id = e.trial;
)sql",
                       trial, temporary, whole_config);
}

bool create_store(const fs::path& file, std::span<const std::string_view> steps, const FillStore& fill) {
    Draft draft(file);
    try {
        // Without a log, which would have to be written back before the file is whole, and sooner than it ends.
        Connection connection(draft.path(), Connection::Access::write);
        connection.execute(fmt::format("PRAGMA synchronous = FULL; PRAGMA application_id = {}", application_id));
        apply(connection, {}, steps);
        if (fill) fill(connection);
    } catch (const StoreError& error) {
        // Said of the file asked for, not of the draft.
        std::string sentence = error.what();
        const auto drafted = draft.path().string();
        for (auto at = sentence.find(drafted); at != std::string::npos; at = sentence.find(drafted))
            sentence.replace(at, drafted.size(), file.string());
        throw StoreError(error.kind(), sentence);
    }
    return draft.put_in_place();
}

bool copy_store(Connection& from, const fs::path& to) {
    if (fs::exists(fs::symlink_status(to))) return false;
    Draft draft(to);
    run(from, "VACUUM INTO ?", draft.path().string());
    return draft.put_in_place();
}

void migrate(Connection& connection, const SplitConfig& split, std::span<const std::string_view> steps) {
    check_not_newer(connection, steps);
    use_write_ahead_log(connection);
    if (version_of(connection) != static_cast<std::int64_t>(steps.size())) apply(connection, split, steps);
}

void check_version(Connection& connection, std::span<const std::string_view> steps) {
    check_not_newer(connection, steps);
    const auto known = static_cast<std::int64_t>(steps.size());
    if (const auto version = version_of(connection); version < known)
        throw older_store(connection.file(), version, known);
}

}  // namespace marginalia::store
