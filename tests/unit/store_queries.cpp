#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <cmath>
#include <limits>

#include "store/queries.h"
#include "store_testing.h"

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
    CHECK(resolve_trial(store, "best:kl").id == 3);
    CHECK(resolve_trial(store, "best:kl:max").id == 4);
    CHECK(resolve_trial(store, "0001beef:1").id == 4);
    CHECK(resolve_trial(store, "last").id == 6);
    const auto other = store.enqueue(plan("other", 1)).front().id;
    CHECK(resolve_trial(store, "last").id == 6);
    CHECK(resolve_trial(store, "last", "other").id == other);
    CHECK(resolve_trial(store, "0000beef", "other").id == other);
    store.claim(other, this_process(), "cpu", 1);
    store.connection().execute("UPDATE trial SET attempt_started = attempt_started + 1 WHERE id = 7");
    CHECK(resolve_trial(store, "last").id == other);

    CHECK(refusal([&] { resolve_trial(store, "0001beef"); }).sentence ==
          "'0001beef' names 2 trials (3, 4); give a number, more characters, or a seed as in 0001beef:0");
    CHECK(refusal([&] { resolve_trial(store, "99"); }).sentence ==
          "there is no trial '99'; name one by its number, 'last', 'best:METRIC', or four or more characters of its "
          "config_hash");
    CHECK(refusal([&] { resolve_trial(store, "abcdef"); }).sentence ==
          "no trial's config_hash begins with 'abcdef'; see: marginalia list");
    CHECK(refusal([&] { resolve_trial(store, "best:lk"); }).sentence ==
          "no trial that is done has a finite 'lk'; the metrics here are: kl");
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
