#include <algorithm>
#include <array>
#include <thread>

#include "store/place.h"
#include "store/queries.h"
#include "store/schema.h"
#include "tests/store/store_testing.h"

using namespace marginalia::store;
using Kind = StoreError::Kind;

namespace {

std::vector<std::string> columns_of(Store& store, const std::string& view) {
    return query(store, "SELECT * FROM " + view).columns;
}

}  // namespace

TEST_CASE("a new store has the documented views") {
    TemporaryFolder folder;
    auto store = Store::open(folder / "a.db");
    const auto starts_with = [&](const std::string& view, std::vector<std::string> wanted) {
        auto found = columns_of(store, view);
        REQUIRE(found.size() >= wanted.size());
        found.resize(wanted.size());
        CHECK(found == wanted);
    };
    starts_with("trials", {"trial_id", "experiment", "status", "seed", "config", "config_hash", "created", "started",
                           "finished", "device", "host", "error"});
    starts_with("metrics", {"trial_id", "name", "step", "value", "time"});
    starts_with("final_metrics", {"trial_id", "name", "value"});
    starts_with("checkpoints", {"trial_id", "step", "bytes", "created"});
    starts_with("samples", {"trial_id", "name", "step", "kind", "data"});
    starts_with("summaries",
                {"trial_id", "name", "n", "nonfinite", "last", "last_step", "min", "min_step", "max", "max_step"});
    starts_with("sweeps", {"sweep_id", "experiment", "description", "file", "toml", "provenance", "created"});
}

TEST_CASE("a new store is one file, in the log mode that readers can share") {
    TemporaryFolder folder;
    {
        auto store = Store::open(folder / "a.db");
        CHECK(text_of(store, "PRAGMA journal_mode") == "wal");
    }
    CHECK(folder.files() == std::vector<std::string>{"a.db"});
    auto store = Store::open_to_read(folder / "a.db");
    CHECK(number_of(store, "PRAGMA application_id") == application_id);
    CHECK(number_of(store, "PRAGMA user_version") == static_cast<double>(migrations().size()));
}

TEST_CASE("reading leaves nothing beside the file") {
    TemporaryFolder folder;
    {
        auto store = Store::open(folder / "a.db");
        store.enqueue(plan("one", 2));
    }
    {
        auto store = Store::open_to_read(folder / "a.db");
        CHECK(list_trials(store).size() == 2);
    }
    CHECK(folder.files() == std::vector<std::string>{"a.db"});
}

TEST_CASE("times in the views are ISO text in UTC and seconds since the epoch") {
    TemporaryFolder folder;
    auto store = Store::open(folder / "a.db");
    const auto trial = store.enqueue(plan("one", 1)).front().id;
    const std::vector<MetricPoint> points{{"kl", 1, 0.5, 1800000000.25}};
    store.add_metrics(trial, points);
    CHECK(number_of(store, "SELECT time FROM metrics") == doctest::Approx(1800000000.25).epsilon(1e-12));
    CHECK(number_of(
              store,
              "SELECT created GLOB "
              "'20[0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z' FROM trials") ==
          1);
    CHECK(number_of(store, "SELECT abs(strftime('%s', created) - strftime('%s', 'now')) < 5 FROM trials") == 1);
}

TEST_CASE("an older file is brought up to date in one transaction, and only by a writer") {
    TemporaryFolder folder;
    const std::array<std::string_view, 1> before{"CREATE TABLE fruit(name TEXT); INSERT INTO fruit VALUES ('fig');"};
    const std::array<std::string_view, 3> after{before[0], "ALTER TABLE fruit ADD COLUMN weight REAL;",
                                                "CREATE VIEW heavy AS SELECT name FROM fruit WHERE weight > 1;"};
    const std::array<std::string_view, 3> broken{before[0], "CREATE TABLE half(x);", "CREATE TABLE fruit(twice);"};
    const auto file = folder / "old.db";
    create_store(file, before);
    {
        Connection connection(file, Connection::Access::read);
        CHECK(
            refusal([&] { check_version(connection, after); }).sentence ==
            fmt::format("store {0} has the older layout version 1 and this marginalia reads version 3; bring it up to "
                        "date with: marginalia resume --store {0}",
                        file.string()));
    }
    Connection connection(file, Connection::Access::write);
    CHECK_THROWS_AS(migrate(connection, broken), StoreError);
    {
        Rows rows(connection, "SELECT count(*) FROM sqlite_schema WHERE name = 'half'");
        REQUIRE(rows.next());
        CHECK(rows.integer(0) == 0);
    }
    migrate(connection, after);
    migrate(connection, after);
    Rows rows(connection, "SELECT name, (SELECT user_version FROM pragma_user_version) FROM fruit");
    REQUIRE(rows.next());
    CHECK(rows.text(0) == "fig");
    CHECK(rows.integer(1) == 3);
}

TEST_CASE("eight openings at once make one store") {
    TemporaryFolder folder;
    std::vector<std::thread> threads;
    std::array<std::string, 8> failures;
    for (int i = 0; i < 8; ++i)
        threads.emplace_back([&, i] {
            failures[static_cast<std::size_t>(i)] = refusal([&] {
                                                        auto store = Store::open(folder / "a.db");
                                                        store.enqueue(plan(fmt::format("experiment-{}", i), 3));
                                                    }).sentence;
        });
    for (auto& thread : threads) thread.join();
    for (const auto& failure : failures) CHECK(failure == "(nothing was thrown)");
    auto store = Store::open_to_read(folder / "a.db");
    CHECK(list_trials(store).size() == 24);
    CHECK(std::ranges::none_of(folder.files(), [](const auto& name) { return name.starts_with("."); }));
}

TEST_CASE("checkpoints of layout version 1 stay where they are and are read as ever") {
    TemporaryFolder folder;
    const auto file = folder / "old.db";
    std::string bytes(5'000'000, '\0');
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 17 / 5);
    create_store(file, migrations().first(1));
    {
        Connection connection(file, Connection::Access::write);
        connection.execute(
            "INSERT INTO config VALUES (1, 'abc', '{}'); INSERT INTO provenance VALUES (1, '{}');"
            "INSERT INTO sweep VALUES (1, 'one', '', '', '', 1, 0);"
            "INSERT INTO trial(id, experiment, config, seed, sweep, status, created) VALUES (1,'one',1,0,1,'done',0)");
        run(connection, "INSERT INTO checkpoint(trial, step, created, bytes, data) VALUES (1, 7, 0, ?, ?)",
            static_cast<std::int64_t>(bytes.size()), Bytes{bytes});
    }
    CHECK(refusal([&] { Store::open_to_read(file); }).kind == Kind::failed);
    auto store = Store::open(file);
    CHECK(number_of(store, "PRAGMA user_version") == static_cast<double>(migrations().size()));
    CHECK(columns_of(store, "checkpoints") == std::vector<std::string>{"trial_id", "step", "bytes", "created"});
    CHECK(store.find(1)->checkpoint_step == 7);
    CHECK(store.newest_checkpoint(1) == bytes);
    const auto found = store.find_checkpoint(1);
    REQUIRE(found);
    CHECK(store.checkpoint_piece(*found, 1) == bytes.substr(4 << 20));
    CHECK(store.checkpoint_piece(*found, 2).empty());
    store.add_checkpoint(1, 8, "new", {.newest = 2});
    CHECK(store.checkpoint_at(1, 7) == bytes);
    CHECK(store.checkpoint_at(1, 8) == "new");
    store.add_checkpoint(1, 9, "newer", {});
    CHECK_FALSE(store.checkpoint_at(1, 7));
    CHECK(number_of(store, "SELECT count(*) FROM checkpoint_piece") == 1);
}
