#include <sqlite3.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "store/place.h"
#include "store/queries.h"
#include "store/schema.h"
#include "store/sentences.h"
#include "tests/store/store_testing.h"

using namespace marginalia::store;
using Kind = StoreError::Kind;

namespace {

const std::string elsewhere = "name another file with --store FILE or MARGINALIA_STORE";

std::string contents(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

void write(const std::filesystem::path& file, const std::string& text) {
    std::ofstream(file, std::ios::binary) << text;
}

// Both ways of opening say the same, and leave the file and its folder as they were.
void check_refused(const TemporaryFolder& folder, const std::filesystem::path& file, Kind kind,
                   const std::string& sentence) {
    const auto before = std::filesystem::is_regular_file(file) ? contents(file) : "";
    const auto files = folder.files();
    for (const bool to_write : {true, false}) {
        const auto refused = refusal([&] { to_write ? Store::open(file) : Store::open_to_read(file); });
        CHECK(refused.sentence == sentence);
        CHECK(refused.kind == kind);
    }
    CHECK(folder.files() == files);
    if (std::filesystem::is_regular_file(file)) CHECK(contents(file) == before);
}

}  // namespace

TEST_CASE("what is not a store is refused and left alone") {
    TemporaryFolder folder;
    const auto file = folder / "x.db";
    const auto sentence = [&](const std::string& what) {
        return fmt::format("{} is not a marginalia store but {}, and was left as it is; {}", file.string(), what,
                           elsewhere);
    };
    SUBCASE("a text file") {
        write(file, "name = \"ising\"\n");
        check_refused(folder, file, Kind::not_a_store, sentence("a file of another kind"));
    }
    SUBCASE("an empty file") {
        write(file, "");
        check_refused(folder, file, Kind::not_a_store, sentence("an empty file"));
    }
    SUBCASE("a folder") {
        std::filesystem::create_directory(file);
        check_refused(folder, file, Kind::not_a_store, sentence("a folder"));
    }
    SUBCASE("a device") {
        std::filesystem::create_symlink("/dev/null", file);
        check_refused(folder, file, Kind::not_a_store, sentence("no regular file"));
    }
    SUBCASE("another program's database, in use or not") {
        write(file, "");
        Connection connection(file, Connection::Access::write);
        connection.execute("PRAGMA journal_mode = WAL; CREATE TABLE fruit(name); PRAGMA wal_checkpoint");
        check_refused(folder, file, Kind::not_a_store, sentence("another program's SQLite database"));
    }
}

TEST_CASE("a store of a newer version is refused") {
    TemporaryFolder folder;
    const auto file = folder / "x.db";
    {
        auto store = Store::open(file);
        store.connection().execute("PRAGMA user_version = 99");
    }
    check_refused(
        folder, file, Kind::newer,
        fmt::format("store {} has layout version 99 and this marginalia knows versions up to {}; use the newer "
                    "marginalia that wrote it, or {}",
                    file.string(), migrations().size(), elsewhere));
}

TEST_CASE("a damaged store is refused with what to do") {
    TemporaryFolder folder;
    const auto file = folder / "x.db";
    {
        auto store = Store::open(file);
        store.enqueue(plan("one", 200));
    }
    const auto sentence = [&](const std::string& how) {
        return fmt::format(
            "store {0} is damaged ({1}); go back to a copy of it, or keep what is whole with: marginalia recover {0} "
            "--out "
            "NEW",
            file.string(), how);
    };
    auto bytes = contents(file);
    SUBCASE("cut off") {
        write(file, bytes.substr(0, bytes.size() / 2));
        check_refused(folder, file, Kind::damaged, sentence("its end is missing"));
    }
    SUBCASE("cut off in its header") {
        write(file, bytes.substr(0, 50));
        check_refused(folder, file, Kind::damaged, sentence("its header is cut off"));
    }
    SUBCASE("overwritten in its schema") {
        std::fill(bytes.begin() + 100, bytes.begin() + 4096, 'z');
        write(file, bytes);
        check_refused(folder, file, Kind::damaged, sentence("database disk image is malformed"));
    }
    SUBCASE("overwritten in its tables") {
        std::fill(bytes.begin() + 40960, bytes.end(), '\xff');
        write(file, bytes);
        const auto refused = refusal([&] {
            auto store = Store::open_to_read(file);
            list_trials(store);
        });
        CHECK(refused.sentence == sentence("database disk image is malformed"));
        CHECK(refused.kind == Kind::damaged);
    }
}

TEST_CASE("what is missing is named with the remedy") {
    TemporaryFolder folder;
    const auto file = folder / "x.db";
    auto refused = refusal([&] { Store::open_to_read(file); });
    CHECK(refused.sentence ==
          fmt::format("there is no store {}; run an experiment first, or {}", file.string(), elsewhere));
    CHECK(refused.kind == Kind::missing);
    refused = refusal([&] { Store::open(folder / "runs/x.db"); });
    CHECK(refused.sentence ==
          fmt::format("store {0}/runs/x.db cannot be made: there is no folder {0}/runs; make it with "
                      "mkdir -p, or {1}",
                      folder.path.string(), elsewhere));
    CHECK(refused.kind == Kind::missing);
    CHECK(folder.files().empty());
    check_refused(folder, "", Kind::missing, "'' names no file to keep the store in; " + elsewhere);
}

TEST_CASE("names that mean something else to SQLite, or nothing to a person, are refused") {
    TemporaryFolder folder;
    const auto before = std::filesystem::current_path();
    std::filesystem::current_path(folder.path);
    const auto refused = [&](const std::string& name, const std::string& shown, const std::string& why) {
        check_refused(folder, name, Kind::missing,
                      "'" + shown + "' cannot be the name of a store: " + why + "; " + elsewhere);
    };
    const std::string other = "SQLite would take it for something else than a file's name";
    for (const std::string name : {":memory:", ":", "file:x.db", "file:x.db?mode=memory", "file::memory:"})
        refused(name, name, other);
    refused("a\nb.db", "aU+000Ab.db", "it holds a control character");
    refused("\x1B[2J.db", "U+001B[2J.db", "it holds a control character");
    refused(std::string(201, 'x'), std::string(80, 'x') + "...", "it is too long");
    check_refused(folder, folder.path.string() + "/", Kind::missing,
                  "'" + folder.path.string() + "/' names no file to keep the store in; " + elsewhere);
    for (const char* name : {"./file:x.db", "a:b.db", "x.db?mode=memory", "50%23.db"}) {
        (void)Store::open(name);
        (void)Store::open_to_read(name);
        CHECK(std::filesystem::is_regular_file(folder.path / name));
    }
    std::filesystem::current_path(before);
}

TEST_CASE("a read-only place is refused for writing and can be read") {
    TemporaryFolder folder;
    const auto file = folder / "x.db";
    {
        auto store = Store::open(file);
        store.enqueue(plan("one", 2));
    }
    std::filesystem::permissions(file, std::filesystem::perms(0444));
    std::filesystem::permissions(folder.path, std::filesystem::perms(0555));
    const WithoutPrivileges nobody;
    if (access(file.c_str(), R_OK) != 0) {
        MESSAGE("skipped: the folder for temporary files cannot be reached without privileges");
        return;
    }
    auto refused = refusal([&] { Store::open(file); });
    CHECK(refused.sentence ==
          fmt::format("store {0} cannot be written: {0} is read-only here (Permission denied); change "
                      "that, or {1}",
                      file.string(), elsewhere));
    CHECK(refused.kind == Kind::read_only);
    refused = refusal([&] { Store::open(folder / "new.db"); });
    CHECK(refused.sentence ==
          fmt::format("store {0}/new.db cannot be written: {0} is read-only here (Permission denied); "
                      "change that, or {1}",
                      folder.path.string(), elsewhere));
    auto store = Store::open_to_read(file);
    CHECK(list_trials(store).size() == 2);
    CHECK(folder.files() == std::vector<std::string>{"x.db"});
}

TEST_CASE("a network filesystem is refused") {
    TemporaryFolder folder;
    const auto file = folder / "x.db";
    const auto refused = refusal([&] { check_place_to_write(file, [](const auto&) { return 0x6969; }); });
    CHECK(refused.sentence ==
          fmt::format("store {} lies on a network filesystem (nfs), where SQLite's locks and shared memory cannot be "
                      "relied on; keep it on a local disk (--store FILE or MARGINALIA_STORE) and copy it when done",
                      file.string()));
    CHECK(refused.kind == Kind::network);
    CHECK(network_filesystem_name(0xff534d42) == "cifs");
    CHECK(network_filesystem_name(0xfe534d42) == "smb2");
    for (const std::uint64_t local : {0xef53u, 0x01021994u, 0x794c7630u, 0x9123683eu, 0x58465342u, 0x65735546u})
        CHECK(network_filesystem_name(local).empty());
    check_place_to_write(file);
}

TEST_CASE("a store that another process keeps locked is refused after the wait") {
    TemporaryFolder folder;
    const auto file = folder / "x.db";
    auto holder = Store::open(file);
    auto waiter = Store::open(file);
    waiter.connection().execute("PRAGMA busy_timeout = 50");
    holder.transaction([&] {
        const auto refused = refusal([&] { waiter.enqueue(plan("one", 1)); });
        CHECK(
            refused.sentence ==
            fmt::format("store {} stayed locked by another program; wait until that has ended, or end it, and give the "
                        "same command again",
                        file.string()));
        CHECK(refused.kind == Kind::locked);
    });
    CHECK(waiter.enqueue(plan("one", 1)).size() == 1);
}

TEST_CASE("a full disk is refused and nothing recorded is lost") {
    TemporaryFolder folder;
    const auto file = folder / "x.db";
    auto store = Store::open(file);
    const auto trial = store.enqueue(plan("one", 1)).front().id;
    store.add_checkpoint(trial, 1, std::string(10'000, 'a'), {});
    store.connection().execute("PRAGMA max_page_count = 60");
    const auto refused = refusal([&] { store.add_checkpoint(trial, 2, std::string(1'000'000, 'b'), {}); });
    CHECK(refused.sentence == fmt::format("no room on the disk of store {}; make some and give the same command "
                                          "again: what was recorded before is safe",
                                          file.string()));
    CHECK(refused.kind == Kind::full);
    CHECK(store.checkpoint_at(trial, 1) == std::string(10'000, 'a'));
    store.connection().execute("PRAGMA max_page_count = 100000");
    store.add_checkpoint(trial, 2, std::string(1'000'000, 'b'), {});
    CHECK(store.find(trial)->checkpoint_step == 2);
}

TEST_CASE("on a disk without room no store is begun, and an old one stays whole") {
    if (!may_mount()) {
        MESSAGE("skipped: a small disk cannot be mounted here without privileges");
        return;
    }
    TemporaryFolder folder;
    const auto file = folder / "x.db";
    const auto sentence = fmt::format(
        "no room on the disk of store {}; make some and give the same command "
        "again: what was recorded before is safe",
        file.string());
    CHECK(in_child([&] {
        if (!mount_small_disk(folder.path, "size=40k")) return false;
        const auto refused = refusal([&] { Store::open(file); });
        return refused.sentence == sentence && refused.kind == Kind::full && folder.files().empty();
    }));
    CHECK(in_child([&] {
        if (!mount_small_disk(folder.path, "size=1m")) return false;
        auto store = Store::open(file);
        const auto trial = store.enqueue(plan("one", 1)).front().id;
        store.add_checkpoint(trial, 1, std::string(1000, 'a'), {});
        const auto refused = refusal([&] { store.add_checkpoint(trial, 2, std::string(2'000'000, 'b'), {}); });
        return refused.sentence == sentence && store.find(trial)->checkpoint_step == 1 &&
               store.checkpoint_at(trial, 1) == std::string(1000, 'a');
    }));
}

TEST_CASE("a store with a second name is not written, and can be read") {
    TemporaryFolder folder;
    const auto file = folder / "x.db", second = folder / "second.db";
    Store::open(file).enqueue(plan("one", 2));
    std::filesystem::create_hard_link(file, second);
    for (const auto& name : {file, second}) {
        const auto refused = refusal([&] { Store::open(name); });
        CHECK(refused.kind == Kind::linked);
        CHECK(refused.sentence ==
              fmt::format(
                  "store {0} has 2 names (hard links), and SQLite keeps its log beside the name it was opened by: "
                  "what is written under one would be missed, and lost, under another; find the others with `find "
                  "FOLDER -samefile {0}` and remove them, or make a copy in place of a link",
                  name.string()));
        auto store = Store::open_to_read(name);
        CHECK(list_trials(store).size() == 2);
    }
    std::filesystem::remove(second);
    std::filesystem::create_symlink(file, second);  // leads SQLite to the one place
    CHECK(Store::open(second).enqueue(plan("one", 2)).size() == 2);
}

TEST_CASE("a log whose store has gone is not taken for that of a new one") {
    TemporaryFolder folder;
    const auto file = folder / "x.db";
    {
        auto store = Store::open(file);
        store.enqueue(plan("one", 2));
        std::filesystem::copy_file(file.string() + "-wal", folder / "kept");
    }
    std::filesystem::remove(file);
    std::filesystem::rename(folder / "kept", file.string() + "-wal");
    const auto refused = refusal([&] { Store::open(file); });
    CHECK(refused.kind == Kind::damaged);
    CHECK(refused.sentence ==
          fmt::format(
              "there is {0}-wal and no {0}: the store was moved or deleted without its log, which would be taken for "
              "that of a new one; move the store back to it, or delete {0}-wal and {0}-shm",
              file.string()));
    CHECK(folder.files() == std::vector<std::string>{"x.db-wal"});
}

TEST_CASE("lack of room is not taken for damage, and a limit from a full disk") {
    const std::filesystem::path file = "/a/x.db";
    for (const int error : {ENOSPC, EDQUOT, EFBIG}) {
        const auto failure = sqlite_failure(file, SQLITE_IOERR_WRITE, "disk I/O error", error);
        CHECK(failure.kind() == Kind::full);
        CHECK(std::string(failure.what()).starts_with("no room "));
    }
    CHECK(sqlite_failure(file, SQLITE_IOERR_WRITE, "disk I/O error", EIO).kind() == Kind::failed);
    CHECK(sqlite_failure(file, SQLITE_CORRUPT, "malformed", ENOSPC).kind() == Kind::damaged);
    CHECK(sqlite_failure(file, SQLITE_TOOBIG, "too big", 0).kind() == Kind::too_large);
    CHECK(std::string(full_disk(file, EDQUOT).what()) ==
          "no room on the disk of store /a/x.db (your quota is used up); make some and give the same command again: "
          "what was "
          "recorded before is safe");
    CHECK(std::string(full_disk(file, EFBIG).what()) ==
          "no room for store /a/x.db: a file may not grow any further here (ulimit -f, or the disk's own limit); raise "
          "that "
          "and give the same command again: what was recorded before is safe");
}
