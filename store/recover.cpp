#include "store/recover.h"

#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "store/error.h"
#include "store/pages.h"
#include "store/place.h"
#include "store/repair.h"
#include "store/salvage.h"
#include "store/schema.h"
#include "store/sentences.h"

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

void check_names(const fs::path& damaged, const fs::path& file) {
    if (!fs::exists(damaged)) throw no_such_store(damaged);
    if (!fs::is_regular_file(damaged)) throw not_a_store(damaged, "no regular file");
    if (fs::exists(fs::symlink_status(file))) throw taken_name(file);
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

Recovered counts(Connection& made, Salvaged& salvage, const Repairs& repairs) {
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

Recovered recover_store(const fs::path& damaged, const fs::path& file, const SplitConfig& split) {
    check_names(damaged, file);
    const Workshop workshop(file);
    const auto made_file = workshop / "new.db";
    create_store(made_file);
    Recovered result;
    {
        const Pages pages(with_log(damaged, workshop));
        Connection made(made_file, Connection::Access::write);
        migrate(made, {});
        made.begin();
        auto salvaged = salvage(pages, made);
        const auto repairs = repair(made);
        if (split) split_configs(made, split);  // of rows that an earlier layout left
        made.commit();
        result = counts(made, salvaged, repairs);
        if (result.trials.kept + repairs.trials == 0)
            throw StoreError(
                StoreError::Kind::damaged,
                fmt::format("no part of a store can be read in {}; go back to a copy of it", damaged.string()));
        check_whole(made);
    }
    put_in_place(made_file, file);
    return result;
}

}  // namespace marginalia::store
