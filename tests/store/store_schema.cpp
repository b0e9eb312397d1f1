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
    CHECK_THROWS_AS(migrate(connection, {}, broken), StoreError);
    {
        Rows rows(connection, "SELECT count(*) FROM sqlite_schema WHERE name = 'half'");
        REQUIRE(rows.next());
        CHECK(rows.integer(0) == 0);
    }
    migrate(connection, {}, after);
    migrate(connection, {}, after);
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
    CHECK(refusal([&] { Store::open_to_read(file); }).kind == Kind::older);
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

TEST_CASE(
    "trials of layout 2 keep their figures as those of an evaluation, and what is one training now is one trial") {
    TemporaryFolder folder;
    const auto file = folder / "old.db";
    create_store(file, migrations().first(2));
    {
        Connection connection(file, Connection::Access::write);
        connection.execute(R"(
            INSERT INTO provenance VALUES (1, '{}'); INSERT INTO sweep VALUES (1, 'one', '', '', '', 1, 0);
            INSERT INTO config VALUES (1, 'old-200', '{"evaluation":{"samples":200},"train":{"steps":9}}');
            INSERT INTO config VALUES (2, 'old-300', '{"evaluation":{"samples":300},"train":{"steps":9}}');
            INSERT INTO config VALUES (3, 'lost-3', '{}');
            INSERT INTO metric_name VALUES (1, 'kl'), (2, 'train_seconds');
            INSERT INTO trial(id, experiment, config, seed, sweep, status, created, finished) VALUES
                (1,'one',1,0,1,'preempted',0,NULL), (2,'one',2,0,1,'done',0,5), (3,'one',1,1,1,'done',0,5),
                (4,'one',2,1,1,'done',0,7), (5,'two',2,0,1,'failed',0,7), (6,'one',3,0,1,'done',0,7);
            INSERT INTO final_metric VALUES (2,1,0.2), (2,2,60), (3,1,0.3), (4,1,0.4);)");
    }
    // "old-200" and "old-300" are one training, "train-9".
    const SplitConfig split = [](const std::string& config) -> std::optional<ConfigParts> {
        const auto samples = config.find("samples");
        if (samples == config.npos) return std::nullopt;
        const auto number = config.substr(samples + 9, 3);
        return ConfigParts{R"({"train":{"steps":9}})", "train-9",
                           fmt::format(R"({{"evaluation":{{"samples":{}}}}})", number), "eval-" + number};
    };
    auto store = Store::open(file, {}, split);
    const auto hash = [&](TrialId trial) { return store.find(trial)->config_hash; };
    // The one that is done goes before the one that is not; of two, the first.
    CHECK(hash(2) == "train-9");
    CHECK(hash(1) == "old-200");
    CHECK(hash(3) == "train-9");
    CHECK(hash(4) == "old-300");
    CHECK(hash(5) == "train-9");
    CHECK(hash(6) == "lost-3");
    CHECK(store.find(2)->config == R"({"train":{"steps":9},"evaluation":{"samples":300}})");
    CHECK(store.find(1)->config == R"({"train":{"steps":9},"evaluation":{"samples":200}})");
    CHECK(store.find(2)->trained);
    CHECK(store.find(2)->evaluated);
    CHECK_FALSE(store.find(1)->trained);
    CHECK_FALSE(store.find(5)->evaluated);
    CHECK(number_of(store, "SELECT value FROM final_metrics WHERE trial_id = 4") == 0.4);
    const auto ways = trial_details(store, 3).evaluations;
    REQUIRE(ways.size() == 2);
    CHECK(ways[0].shown);
    CHECK(ways[0].figures.at(0).value == 0.3);
    CHECK(ways[1].config == R"({"evaluation":{"samples":300}})");
    CHECK(ways[1].figures.at(0).value == 0.4);
    CHECK(trial_details(store, 2).evaluations.at(0).figures.size() == 1);  // the other is the training's
    CHECK(find_damage(store).empty());
    // What is asked for again is there, by its new name.
    PlannedSweep again{"one", "", "", "", "{}", {}};
    again.trials.push_back({.config = R"({"train":{"steps":9}})",
                            .config_hash = "train-9",
                            .seed = 1,
                            .evaluation = R"({"evaluation":{"samples":300}})",
                            .evaluation_hash = "eval-300"});
    const auto known = store.enqueue(again).front();
    CHECK(known.id == 3);
    CHECK(known.evaluated);
    CHECK(number_of(store, "SELECT value FROM final_metrics WHERE trial_id = 3") == 0.4);
}

TEST_CASE("a store of layout 4 is brought up to date with its trials, whose views have new columns at their end") {
    TemporaryFolder folder;
    const auto file = folder / "old.db";
    create_store(file, migrations().first(4));
    {
        Connection connection(file, Connection::Access::write);
        connection.execute(R"(
            CREATE VIEW trials AS SELECT id AS trial_id FROM trial;
            CREATE VIEW evaluations AS SELECT id AS evaluation_id FROM evaluation;
            INSERT INTO provenance VALUES (1, '{}'); INSERT INTO sweep VALUES (1, 'one', '', '', '', 1, 0);
            INSERT INTO config VALUES (1, 'hash', '{"train":{"steps":9}}');
            INSERT INTO trial(id, experiment, config, seed, sweep, status, created) VALUES (7,'one',1,3,1,'done',0);)");
    }
    auto store = Store::open(file);
    CHECK(number_of(store, "SELECT seed FROM trials WHERE trial_id = 7 AND tags IS NULL") == 3);
    store.connection().execute("INSERT INTO tag VALUES (7, 'good'), (7, 'seen')");
    CHECK(text_of(store, "SELECT tags FROM trials") == "good,seen");
    CHECK(find_damage(store).empty());
}
