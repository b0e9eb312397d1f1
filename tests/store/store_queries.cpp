#include <sqlite3.h>

#include <cmath>
#include <functional>
#include <limits>

#include "store/queries.h"
#include "tests/store/store_testing.h"

using namespace marginalia::store;

namespace {

// Three configurations with two seeds each. kl: final for the first two, points only for the last.
struct Filled {
    TemporaryFolder folder;
    Store store = Store::open(folder / "a.db");
    std::vector<Trial> trials = store.enqueue(plan("one", 3, 2));

    Filled() {
        const std::vector<double> kl{0.36, 0.2, 0.1, 0.7, 0.25, 0.35};
        for (std::size_t i = 0; i < trials.size(); ++i) {
            const auto id = trials[i].id;
            store.claim(id, this_process(), "cpu", 1);
            std::vector<MetricPoint> points;
            for (int step = 1; step <= 100; ++step)
                points.push_back({"kl", step, i < 4 ? 9.0 : kl[i] + 100 - step, 2e9 + step});
            store.add_metrics(id, points);
            if (i < 4) store.set_final_metric(id, "kl", kl[i]);
            store.set_status(id, Status::done);
        }
    }
};

std::vector<TrialId> ids_of(const std::vector<RankedTrial>& ranked) {
    std::vector<TrialId> ids;
    for (const auto& r : ranked) ids.push_back(r.trial.id);
    return ids;
}

}  // namespace

TEST_CASE_FIXTURE(Filled, "the best trials are ranked by final metric, else by last value") {
    CHECK(ids_of(best_trials(store, {.metric = "kl"})) == std::vector<TrialId>{3, 2, 5, 6, 1, 4});
    const auto two = best_trials(store, {.metric = "kl", .highest = true, .experiment = {}, .limit = 2});
    CHECK(ids_of(two) == std::vector<TrialId>{4, 1});
    CHECK(two[0].value == 0.7);
    CHECK(best_trials(store, {.metric = "nothing"}).empty());
    CHECK(best_trials(store, {.metric = "kl", .experiment = "other"}).empty());
}

TEST_CASE_FIXTURE(Filled, "what is not finite and what is not done does not compete") {
    store.set_final_metric(3, "kl", std::numeric_limits<double>::quiet_NaN());
    store.set_final_metric(6, "kl", -std::numeric_limits<double>::infinity());
    store.set_status(2, Status::failed, "x");
    CHECK(ids_of(best_trials(store, {.metric = "kl"})) == std::vector<TrialId>{5, 1, 4});
    store.set_final_metric(6, "kl", std::numeric_limits<double>::infinity());
    CHECK(ids_of(best_trials(store, {.metric = "kl", .highest = true})) == std::vector<TrialId>{4, 1, 5});
    store.set_final_metric(6, "kl", 0.35);
    CHECK(ids_of(best_trials(store, {.metric = "kl"})) == std::vector<TrialId>{5, 6, 1, 4});
    CHECK(ids_of(best_trials(store, {.metric = "kl", .experiment = {}, .statuses = {}, .limit = 1})) ==
          std::vector<TrialId>{2});
}

TEST_CASE_FIXTURE(Filled, "configurations are ranked by their mean over seeds") {
    const auto ranked = best_configs(store, {.metric = "kl"});
    REQUIRE(ranked.size() == 3);
    CHECK(ranked[0].mean == doctest::Approx(0.28));
    CHECK(*ranked[0].standard_error == doctest::Approx(0.08));  // half the distance of two values
    CHECK(ranked[1].mean == doctest::Approx(0.3));
    CHECK(*ranked[1].standard_error == doctest::Approx(0.05));
    CHECK(ranked[2].mean == doctest::Approx(0.4));
    CHECK(ranked[2].n == 2);
    CHECK(ranked[2].trials == std::vector<TrialId>{3, 4});
    store.set_status(4, Status::failed);
    const auto lucky = best_configs(store, {.metric = "kl"});
    CHECK(lucky[0].config_hash == trials[2].config_hash);
    CHECK_FALSE(lucky[0].standard_error);
    CHECK(best_configs(store, {.metric = "kl", .experiment = {}, .min_seeds = 2}).size() == 2);
}

TEST_CASE_FIXTURE(Filled, "trials are found by name") {
    CHECK(resolve_trial(store, "4").id == 4);
    CHECK(resolve_trial(store, "0001beef:1").id == 4);
    CHECK(resolve_trial(store, "last").id == 6);
    const auto other = store.enqueue(plan("other", 1)).front().id;
    CHECK(resolve_trial(store, "last").id == 6);
    CHECK(resolve_trial(store, "last", "other").id == other);
    CHECK(resolve_trial(store, "0000beef", "other").id == other);
    store.claim(other, this_process(), "cpu", 1);
    store.connection().execute("UPDATE trial SET training_started = training_started + 1 WHERE id = 7");
    CHECK(resolve_trial(store, "last").id == other);

    CHECK(refusal([&] { resolve_trial(store, "0001beef"); }).sentence ==
          "'0001beef' names 2 trials (3, 4); give a number, more characters, or a seed as in 0001beef:0");
    CHECK(refusal([&] { resolve_trial(store, "99"); }).sentence ==
          "there is no trial '99'; name one by its number, 'last', 'best:METRIC', or four or more characters of its "
          "config_hash");
    CHECK(refusal([&] { resolve_trial(store, "abcdef"); }).sentence ==
          "no trial's config_hash begins with 'abcdef'; see: marginalia list");
}

TEST_CASE_FIXTURE(Filled, "details hold all that is known of a trial") {
    store.add_sample(1, "draws", 50, "text", "0110");
    store.add_sample(1, "draws", 100, "text", "µ");
    store.add_checkpoint(1, 100, "bytes", {});
    const auto details = trial_details(store, 1);
    CHECK(details.owner.pid == getpid());
    CHECK(details.sweep.file == "/here/one.toml");
    CHECK(details.sweep.provenance == R"({"commit":"abc"})");
    REQUIRE(details.samples.size() == 2);
    CHECK(details.samples[1].bytes == 2);
    CHECK(details.checkpoints.front().bytes == 5);
    CHECK(details.metrics.front().n == 100);
    const auto newest = samples_of(store, 1, "draws", true);
    REQUIRE(newest.size() == 1);
    CHECK(newest[0].data == "µ");
    CHECK(samples_of(store, 1).size() == 2);
    CHECK(refusal([&] { trial_details(store, 50); }).kind == StoreError::Kind::no_match);
}

TEST_CASE_FIXTURE(Filled, "experiments are counted by status") {
    store.enqueue(plan("another", 2));
    store.set_status(1, Status::failed);
    const auto experiments = list_experiments(store);
    REQUIRE(experiments.size() == 2);
    CHECK(experiments[0].name == "one");
    CHECK(experiments[0].trials == 6);
    CHECK(experiments[0].configs == 3);
    CHECK(experiments[0].by_status.at(Status::done) == 5);
    CHECK(experiments[0].by_status.at(Status::failed) == 1);
    CHECK(experiments[0].last_active);
    CHECK_FALSE(experiments[1].last_active);
    CHECK(list_trials(store, {.experiment = "one", .statuses = {Status::failed}}).size() == 1);
    CHECK(list_trials(store, {.experiment = {}, .statuses = {}, .limit = 3}).front().id == 6);
}

TEST_CASE_FIXTURE(Filled, "curves are thinned evenly and keep their end") {
    CHECK(metric_curve(store, 6, "kl").size() == 100);
    const auto thin = metric_curve(store, 6, "kl", 10);
    REQUIRE(thin.size() == 10);
    CHECK(thin.front().step == 10);
    CHECK(thin.back().step == 100);
    CHECK(metric_curve(store, 6, "none").empty());
}

TEST_CASE_FIXTURE(Filled, "values of many trials at once") {
    const std::vector<TrialId> some{1, 5};
    auto values = metric_values(store, some);
    CHECK(values[1]["kl"] == 0.36);
    CHECK(values.count(5) == 0);
    values = metric_values(store, some, true);
    CHECK(values[1]["kl"] == 0.36);
    CHECK(values[5]["kl"] == doctest::Approx(0.25));
    store.set_final_metric(2, "nll_bits", 0.78);
    CHECK(metric_names(store) == std::vector<std::string>{"kl", "nll_bits"});
    CHECK(metric_names(store, some) == std::vector<std::string>{"kl"});
}

TEST_CASE_FIXTURE(Filled, "a query gives columns and typed cells") {
    const auto result =
        query(store, "SELECT trial_id AS t, status, NULL, 0.5, x'00ff' FROM trials ORDER BY 1 LIMIT 2 -- two");
    CHECK(result.columns == std::vector<std::string>{"t", "status", "NULL", "0.5", "x'00ff'"});
    REQUIRE(result.rows.size() == 2);
    CHECK(std::get<std::int64_t>(result.rows[1][0]) == 2);
    CHECK(std::get<std::string>(result.rows[1][1]) == "done");
    CHECK(std::holds_alternative<std::monostate>(result.rows[1][2]));
    CHECK(std::get<double>(result.rows[1][3]) == 0.5);
    CHECK(std::get<Blob>(result.rows[1][4]).bytes == 2);
    CHECK(query(store, "SELECT config ->> '$.energy.rows' FROM trials;").rows.size() == 6);
    CHECK(query(store, "SELECT 1 WHERE 0").columns.size() == 1);
}

TEST_CASE_FIXTURE(Filled, "a query that would write is refused, in a store open to read or to write") {
    auto reader = Store::open_to_read(store.file());
    const auto elsewhere = (folder / "other.db").string();
    for (auto* open : {&store, &reader})
        for (const auto& sql :
             {std::string("DELETE FROM trial"), std::string("CREATE TABLE x(y)"), "ATTACH '" + elsewhere + "' AS o",
              "VACUUM INTO '" + elsewhere + "'", std::string("VACUUM"), std::string("PRAGMA journal_mode = DELETE"),
              std::string("BEGIN IMMEDIATE"), std::string("PRAGMA user_version = 9"),
              std::string("WITH a AS (SELECT 1) INSERT INTO metric_name SELECT 5, 'x'")}) {
            CAPTURE(sql);
            const auto refused = refusal([&] { query(*open, sql); });
            CHECK(refused.sentence == "the query cannot be run: only statements that read this store are allowed");
            CHECK(refused.kind == StoreError::Kind::bad_query);
        }
    CHECK_FALSE(std::filesystem::exists(elsewhere));
    CHECK(refusal([&] { query(reader, "SELECT 1; DROP TABLE trial"); }).sentence ==
          "the query cannot be run: it holds more than one statement; give them one by one");
    CHECK(refusal([&] { query(reader, "SELECT nam FROM metrics"); }).sentence ==
          "the query cannot be run: no such column: nam; docs/store.md has the views and their columns");
    CHECK(refusal([&] { query(reader, "  "); }).sentence ==
          "the query cannot be run: it is empty; try: SELECT * FROM trials");
    CHECK(query(reader, "PRAGMA table_info(trials)").rows.size() >= 12);
    CHECK(list_trials(store).size() == 6);
}

TEST_CASE_FIXTURE(Filled, "a typed query is bounded in memory and rows, and can be stopped while no row comes") {
    const auto said = [&](const std::string& sql, const QueryLimits& limits) {
        return refusal([&] { query(store, sql, limits); });
    };
    const std::string endless = "WITH RECURSIVE a(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM a) SELECT ";
    CHECK(said(endless + "x FROM a", {.rows = 100})
              .sentence.starts_with("the query cannot be run: it gives more than 100 rows"));
    int asked = 0;
    const auto stopped = said(endless + "count(*) FROM a", {.stopped = [&] { return ++asked > 20; }});
    CHECK(stopped.sentence == "the query was stopped");
    CHECK(stopped.kind == StoreError::Kind::stopped);
    CHECK(said("SELECT count(*) FROM metrics a, metrics b, metrics c, metrics d, metrics e",
               {.stopped = [&] { return ++asked > 40; }})
              .kind == StoreError::Kind::stopped);
    const QueryLimits small{.bytes = 20'000'000};
    const std::string growing = "WITH RECURSIVE a(x) AS (SELECT 1 UNION SELECT x + 1 FROM a) SELECT count(*) FROM a";
    const auto large = said(growing, small);
    CHECK(large.sentence.starts_with("the query cannot be run: it needs more than 20 MB of memory"));
    CHECK(large.kind == StoreError::Kind::bad_query);
    CHECK(said("SELECT hex(zeroblob(9000000))", small).sentence == large.sentence);
    CHECK(said("SELECT zeroblob(200000000)", {.bytes = 1'000'000'000}).sentence ==
          "the query cannot be run: a value of it is longer than 100 MB");
    CHECK(query(store, "SELECT length(zeroblob(200000000))").rows.size() == 1);  // the limits are gone with the query
}

TEST_CASE_FIXTURE(Filled, "pragmas that change something are refused, with a value or without") {
    for (const auto* pragma :
         {"wal_checkpoint", "optimize", "incremental_vacuum", "query_only = 0", "journal_mode = delete",
          "user_version = 3", "writable_schema = 1", "shrink_memory", "temp_store = 1"})
        CHECK(refusal([&] { query(store, std::string("PRAGMA ") + pragma); }).sentence ==
              "the query cannot be run: only statements that read this store are allowed");
    for (const auto* pragma : {"table_info(trials)", "user_version", "page_count", "index_list(trial)", "quick_check"})
        CHECK_FALSE(query(store, std::string("PRAGMA ") + pragma).rows.empty());
}

TEST_CASE("what is asked of many trials costs in proportion to their number") {
    TemporaryFolder folder;
    const auto steps_of_sqlite = [&](int n, const std::function<void(Store&)>& body) {
        const auto file = folder / fmt::format("{}.db", n);
        if (!std::filesystem::exists(file)) {
            auto store = Store::open(file);
            store.transaction([&] {
                for (const auto& trial : store.enqueue(plan("one", n, 1))) {
                    store.claim(trial.id, this_process(), "cpu", 1);
                    store.add_checkpoint(trial.id, 1, "x", {});
                    store.set_final_metric(trial.id, "kl", static_cast<double>(trial.id));
                    store.set_status(trial.id, Status::done);
                }
            });
        }
        auto store = Store::open_to_read(file);
        std::int64_t steps = 0;
        sqlite3_progress_handler(
            store.connection().handle(), 10, [](void* count) { return ++*static_cast<std::int64_t*>(count), 0; },
            &steps);
        body(store);
        return static_cast<double>(steps);
    };
    const auto growth = [&](const std::function<void(Store&)>& body) {
        return steps_of_sqlite(2000, body) / std::max(1.0, steps_of_sqlite(500, body));
    };
    // By config, as a second stage finds its first: one look-up, whatever the number.
    CHECK(growth([](Store& s) {
              for (int i = 0; i < 400; ++i)
                  CHECK(done_trials(s, "one", fmt::format("{0:04x}beef{0:08x}", i), 0).size() == 1);
          }) < 1.5);
    // By the seed alone: the first, of however many have it.
    CHECK(growth([](Store& s) {
              for (int i = 0; i < 400; ++i) CHECK(done_trials(s, "one", "", 0, 1) == std::vector<TrialId>{1});
          }) < 1.5);
    CHECK(growth([](Store& s) { CHECK(done_trials(s, "one", "", 1).empty()); }) < 6);
    CHECK(growth([](Store& s) { best_trials(s, {.metric = "kl", .limit = -1}); }) < 6);
    CHECK(growth([](Store& s) { best_configs(s, {.metric = "kl", .limit = -1}); }) < 6);
    CHECK(growth([](Store& s) { list_trials(s); }) < 6);
    CHECK(growth([](Store& s) { list_experiments(s); }) < 6);
}

TEST_CASE("a thinned curve is looked up, not read") {
    TemporaryFolder folder;
    auto store = Store::open(folder / "a.db");
    store.enqueue(plan("one", 1));
    std::vector<MetricPoint> points;
    for (int step = 0; step < 50'000; ++step) points.push_back({"loss", step, static_cast<double>(step % 2), 2e9});
    store.add_metrics(1, points);
    std::int64_t steps = 0;
    sqlite3_progress_handler(
        store.connection().handle(), 10, [](void* count) { return ++*static_cast<std::int64_t*>(count), 0; }, &steps);
    const auto thin = metric_curve(store, 1, "loss", 100);
    CHECK(steps < 1000);  // a step of SQLite is a tenth of a point or so
    REQUIRE(thin.size() == 100);
    CHECK(thin.back().step == 49'999);
    const auto range = finite_steps(store, 1, "loss");
    REQUIRE(range);
    CHECK(range->last == 49'999);
    CHECK(range->points == 50'000);
    const auto parts = metric_parts(store, 1, "loss", 0, 49'999, 500);
    REQUIRE(parts.size() == 500);
    CHECK(parts[3].sum / static_cast<double>(parts[3].count) == doctest::Approx(0.5).epsilon(0.02));
    CHECK(parts[3].max == 1);
    std::int64_t all = 0;
    for (const auto& part : parts) all += part.count;
    CHECK(all == 50'000);
}
