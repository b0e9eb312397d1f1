#include "store/garbage.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "store/error.h"
#include "store/place.h"
#include "store/state.h"
#include "store/trash.h"

namespace marginalia::store {

namespace fs = std::filesystem;

namespace {

std::int64_t free_bytes(Store& store) {
    return pragma(store.connection(), "freelist_count") * pragma(store.connection(), "page_size");
}

// A large value lies on pages of 4096 bytes, 4 of which lead to the next.
Garbage measured(Store& store, std::string_view what, std::string_view column, const std::string& rows) {
    Rows row(store.connection(),
             fmt::format("SELECT count(*), coalesce(sum(length({})), 0) * 4096 / 4092 + count(*) * 30 FROM {}", column,
                         rows));
    row.next();
    return {std::string(what), row.integer(0), row.integer(1)};
}

// Pieces that no checkpoint and no evaluation has, of trials that nobody runs.
const std::string unfinished =
    "checkpoint_piece WHERE NOT EXISTS (SELECT 1 FROM checkpoint c WHERE c.trial = checkpoint_piece.trial AND "
    "c.archive = checkpoint_piece.archive) AND NOT EXISTS (SELECT 1 FROM evaluation e WHERE "
    "e.trial = checkpoint_piece.trial AND e.archive = checkpoint_piece.archive) AND "
    "trial NOT IN (SELECT id FROM trial WHERE status = 'running')";
const std::string unused_configs = "config WHERE id NOT IN (SELECT config FROM trial)";
const std::string unused_provenance = "provenance WHERE id NOT IN (SELECT provenance FROM sweep)";

Garbage unused_records(Store& store) {
    auto records = measured(store, "configs and provenance of no trial", "json", unused_configs);
    const auto provenance = measured(store, "", "json", unused_provenance);
    records.count += provenance.count;
    records.bytes += provenance.bytes;
    return records;
}

// Trials with more than one checkpoint that are done, and the run of a file under which each was.
std::vector<std::pair<TrialId, std::int64_t>> done_with_checkpoints(Store& store) {
    Rows rows(store.connection(),
              "SELECT t.id, t.sweep FROM checkpoint c CROSS JOIN trial t ON t.id = c.trial AND t.status = 'done' "
              "GROUP BY c.trial HAVING count(*) > 1");
    std::vector<std::pair<TrialId, std::int64_t>> found;
    while (rows.next()) found.emplace_back(rows.integer(0), rows.integer(1));
    return found;
}

struct OldCheckpoint {
    TrialId trial;
    std::int64_t step;
};

std::vector<OldCheckpoint> old_checkpoints(Store& store, const GarbageOptions& options) {
    std::vector<OldCheckpoint> old;
    if (!options.retention) return old;
    std::map<std::int64_t, Retention> retentions;
    for (const auto& [trial, sweep] : done_with_checkpoints(store)) {
        if (!retentions.contains(sweep)) retentions[sweep] = options.retention(sweep_of(store, sweep));
        for (const auto step : steps_beyond(store.connection(), trial, retentions[sweep])) old.push_back({trial, step});
    }
    return old;
}

Garbage measured(Store& store, const std::vector<OldCheckpoint>& old) {
    Garbage found{"checkpoints beyond the newest and the best", std::ssize(old), 0};
    for (const auto& one : old) {
        Rows row(store.connection(), "SELECT bytes * 4096 / 4092 + 100 FROM checkpoint WHERE trial = ? AND step = ?",
                 one.trial, one.step);
        if (row.next()) found.bytes += row.integer(0);
    }
    return found;
}

void remove(Store& store, const std::vector<OldCheckpoint>& old) {
    store.transaction([&] {
        for (const auto& one : old) {
            run(store.connection(),
                "DELETE FROM checkpoint_piece WHERE trial = ?1 AND archive = (SELECT archive FROM checkpoint WHERE "
                "trial = ?1 AND step = ?2)",
                one.trial, one.step);
            run(store.connection(), "DELETE FROM checkpoint WHERE trial = ? AND step = ?", one.trial, one.step);
        }
    });
}

// Those that have been in the trash for long enough.
std::vector<TrialId> old_in_trash(Store& trash, const GarbageOptions& options) {
    Rows rows(trash.connection(),
              "SELECT t.id FROM trial t LEFT JOIN removed r ON r.trial = t.id WHERE coalesce(r.time, 0) <= ?",
              now_ms() - static_cast<std::int64_t>(options.trash_seconds * 1000));
    std::vector<TrialId> old;
    while (rows.next()) old.push_back(rows.integer(0));
    return old;
}

// All that will be left of a store without trials: its tables.
std::int64_t bytes_when_empty(Store& store) {
    Rows row(store.connection(), "SELECT count(*) + sum(length(sql)) / 4096 + 2 FROM sqlite_schema WHERE rootpage > 0");
    row.next();
    return row.integer(0) * pragma(store.connection(), "page_size");
}

Garbage measured(Store& trash, const std::vector<TrialId>& old) {
    Garbage found{"trials in the trash", std::ssize(old), free_bytes(trash)};
    if (old.empty()) return found;
    Rows all(trash.connection(), "SELECT count(*) FROM trial");
    if (all.next() && all.integer(0) == std::ssize(old)) {
        const auto file = pragma(trash.connection(), "page_count") * pragma(trash.connection(), "page_size");
        found.bytes = std::max<std::int64_t>(0, file - bytes_when_empty(trash));
        return found;
    }
    for (const auto trial : old) found.bytes += bytes_of_trial(trash, trial);
    return found;
}

std::vector<Garbage> find_in_store(Store& store, const std::vector<OldCheckpoint>& old) {
    return {measured(store, "pieces of checkpoints that were never ended", "data", unfinished),
            measured(store, old),
            unused_records(store),
            {"free pages", 0, free_bytes(store)}};
}

// https://www.sqlite.org/tempfiles.html has the order in which SQLite looks for a folder.
fs::path temporary_folder() {
    for (const char* variable : {"SQLITE_TMPDIR", "TMPDIR"})
        if (const char* named = std::getenv(variable); named != nullptr && fs::is_directory(named)) return named;
    return fs::is_directory("/var/tmp") ? "/var/tmp" : "/tmp";
}

void check_room(const Store& store, std::int64_t bytes) {
    for (const auto& folder : {folder_of(store.file()), temporary_folder()}) {
        std::error_code unknown;
        const auto room = fs::space(folder, unknown).available;
        if (unknown || room > static_cast<std::uint64_t>(bytes)) continue;
        throw StoreError(StoreError::Kind::full,
                         fmt::format("the free pages of store {} stay in it, where new results use them: to give them "
                                     "back takes {} bytes of room in {} for a while, and there are {}",
                                     store.file().string(), bytes, folder.string(), room));
    }
}

}  // namespace

std::vector<Garbage> find_garbage(Store& store, const GarbageOptions& options) {
    std::vector<Garbage> found{{"trials in the trash", 0, 0}};
    if (const auto file = trash_of(store.file()); fs::exists(file)) {
        auto trash = Store::open_to_read(file);
        found[0] = measured(trash, old_in_trash(trash, options));
    }
    for (auto& kind : find_in_store(store, old_checkpoints(store, options))) found.push_back(std::move(kind));
    return found;
}

std::vector<Garbage> remove_garbage(Store& store, const GarbageOptions& options) {
    std::vector<Garbage> found{{"trials in the trash", 0, 0}};
    if (fs::exists(trash_of(store.file()))) {
        Trash trash(store);
        auto& contents = trash.contents();
        const auto old = old_in_trash(contents, options);
        found[0] = measured(contents, old);
        trash.drop(old);
        run(contents.connection(), "DELETE FROM " + unused_configs);
        run(contents.connection(), "DELETE FROM " + unused_provenance);
        if (free_bytes(contents) > 0) give_back_pages(contents);
    }
    store.transaction([&] {
        const auto old = old_checkpoints(store, options);
        for (auto& kind : find_in_store(store, old)) found.push_back(std::move(kind));
        for (const auto& rows : {unfinished, unused_configs, unused_provenance})
            run(store.connection(), "DELETE FROM " + rows);
        remove(store, old);
    });
    return found;
}

void give_back_pages(Store& store) {
    auto& db = store.connection();
    check_room(store, (pragma(db, "page_count") - pragma(db, "freelist_count")) * pragma(db, "page_size"));
    db.execute("PRAGMA temp_store = FILE; VACUUM");
    db.empty_log();
}

}  // namespace marginalia::store
