#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <algorithm>
#include <cstring>

#include "store/place.h"
#include "store/queries.h"
#include "store/schema.h"
#include "store_testing.h"

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
    for (const auto open : {&Store::open, &Store::open_to_read}) {
        const auto refused = refusal([&] { open(file); });
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
            fmt::format("store {} stayed locked by another process for 10 s; wait until that has ended, or end it, and "
                        "give the same command again",
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
    CHECK(refused.sentence ==
          fmt::format("no space is left on the disk of store {}; free some and give the same command "
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
        "no space is left on the disk of store {}; free some and give the same command "
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

TEST_CASE("a checkpoint beyond what SQLite takes is refused by name") {
    TemporaryFolder folder;
    auto store = Store::open(folder / "x.db");
    const auto trial = store.enqueue(plan("one", 1)).front().id;
    // Never read: its size alone decides.
    const std::string_view huge("x", 1'000'000'001);
    const auto refused = refusal([&] { store.add_checkpoint(trial, 7, huge, {}); });
    CHECK(refused.sentence ==
          "the checkpoint of trial 1 at step 7 has 1000000001 bytes and a store takes at most "
          "1000000000; use a smaller network");
    CHECK(refused.kind == Kind::too_large);
}
