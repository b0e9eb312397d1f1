#include <cmath>
#include <limits>

#include "store/queries.h"
#include "tests/store/store_testing.h"

using namespace marginalia::store;

namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double inf = std::numeric_limits<double>::infinity();

struct OneTrial {
    TemporaryFolder folder;
    Store store = Store::open(folder / "a.db");
    TrialId trial = store.enqueue(plan("one", 1)).front().id;

    void add(const std::string& name, std::vector<std::pair<std::int64_t, double>> values) {
        std::vector<MetricPoint> points;
        for (const auto& [step, value] : values) points.push_back({name, step, value, 2e9 + static_cast<double>(step)});
        store.add_metrics(trial, points);
    }
    MetricSummary summary(const std::string& name) {
        for (auto& s : trial_details(store, trial).metrics)
            if (s.name == name) return s;
        return {};
    }
    std::vector<std::int64_t> checkpoint_steps() {
        std::vector<std::int64_t> steps;
        for (const auto& c : list_checkpoints(store, trial)) steps.push_back(c.step);
        return steps;
    }
};

}  // namespace

TEST_CASE_FIXTURE(OneTrial, "summaries follow the points") {
    add("loss", {{1, 3.0}, {2, 1.0}});
    add("loss", {{3, 2.0}});
    auto s = summary("loss");
    CHECK(s.n == 3);
    CHECK(s.last == 2.0);
    CHECK(s.last_step == 3);
    CHECK(s.min == 1.0);
    CHECK(s.min_step == 2);
    CHECK(s.max == 3.0);
    CHECK(s.max_step == 1);

    SUBCASE("a step given again replaces its point") {
        add("loss", {{2, 9.0}, {4, 0.5}});
        s = summary("loss");
        CHECK(s.n == 4);
        CHECK(s.min == 0.5);
        CHECK(s.max == 9.0);
        CHECK(s.max_step == 2);
        add("loss", {{4, 0.6}, {4, 0.7}});
        CHECK(summary("loss").last == 0.7);
        CHECK(summary("loss").n == 4);
    }
    SUBCASE("what came after a checkpoint can be forgotten") {
        store.add_checkpoint(trial, 2, "two", {.newest = 5});
        store.add_checkpoint(trial, 3, "three", {.newest = 5});
        store.add_sample(trial, "draws", 3, "text", "xyz");
        store.set_final_metric(trial, "kl", 1);
        add("late", {{3, 1.0}});
        store.forget_after(trial, 2);
        s = summary("loss");
        CHECK(s.n == 2);
        CHECK(s.last == 1.0);
        CHECK(s.max == 3.0);
        CHECK(summary("late").n == 0);
        CHECK(number_of(store, "SELECT count(*) FROM metrics") == 2);
        CHECK(number_of(store, "SELECT count(*) FROM samples") == 0);
        CHECK(number_of(store, "SELECT count(*) FROM final_metrics") == 0);
        CHECK(checkpoint_steps() == std::vector<std::int64_t>{2});
        store.forget_after(trial, -1);
        CHECK(number_of(store, "SELECT count(*) FROM summaries") == 0);
        CHECK(checkpoint_steps().empty());
    }
}

TEST_CASE_FIXTURE(OneTrial, "NaN is kept as NULL, infinity as it is, and both are counted") {
    add("loss", {{1, nan}, {2, 5.0}, {3, inf}});
    add("loss", {{4, -inf}});
    const auto s = summary("loss");
    CHECK(s.n == 4);
    CHECK(s.nonfinite == 3);
    CHECK(s.last == -inf);
    CHECK(s.last_step == 4);
    CHECK(s.min == 5.0);
    CHECK(s.max == 5.0);
    CHECK(number_of(store, "SELECT count(*) FROM metrics WHERE value IS NULL") == 1);
    CHECK(metric_curve(store, trial, "loss")[2].value == inf);
    add("gone", {{1, nan}});
    CHECK(std::isnan(summary("gone").min));
    store.set_final_metric(trial, "kl", nan);
    CHECK(std::isnan(trial_details(store, trial).final_metrics.front().value));
    store.set_final_metric(trial, "kl", inf);
    CHECK(trial_details(store, trial).final_metrics.front().value == inf);
    CHECK(std::isnan(metric_curve(store, trial, "loss").front().value));
}

TEST_CASE_FIXTURE(OneTrial, "many names in one call are told apart") {
    std::vector<MetricPoint> points;
    for (int step = 0; step < 20; ++step)
        for (int name = 0; name < 7; ++name)
            if ((step + name) % 3 != 0) points.push_back({fmt::format("m{}", name), step, 100.0 * name + step, 2e9});
    store.add_metrics(trial, points);
    CHECK(number_of(store, "SELECT count(*) FROM metrics") == static_cast<double>(points.size()));
    CHECK(number_of(store, "SELECT count(*) FROM metrics WHERE value <> 100.0 * substr(name, 2) + step") == 0);
    CHECK(number_of(store,
                    "SELECT count(*) FROM summaries s WHERE n <> (SELECT count(*) FROM metrics m WHERE m.trial_id = "
                    "s.trial_id AND m.name = s.name)") == 0);
}

TEST_CASE_FIXTURE(OneTrial, "the newest checkpoints and the best are kept") {
    const Retention keep{.newest = 2, .best_metric = "kl", .best_is_lowest = true};
    const std::vector<double> kl{0.9, 0.2, nan, 0.3, 0.8, 0.1, 0.4, 0.5, 0.6};
    for (int i = 0; i < 9; ++i) {
        add("kl", {{10 * i + 5, kl[static_cast<std::size_t>(i)]}});
        store.add_checkpoint(trial, 10 * i + 7, std::string(1000, static_cast<char>('a' + i)), keep);
        if (i == 4) CHECK(checkpoint_steps() == std::vector<std::int64_t>{17, 37, 47});
    }
    CHECK(checkpoint_steps() == std::vector<std::int64_t>{57, 77, 87});
    CHECK(store.checkpoint_at(trial, 57) == std::string(1000, 'f'));
    CHECK_FALSE(store.checkpoint_at(trial, 58));
    std::int64_t step = 0;
    CHECK(store.newest_checkpoint(trial, &step) == std::string(1000, 'i'));
    CHECK(step == 87);
    CHECK(store.find(trial)->checkpoint_step == 87);
    CHECK(number_of(store, "SELECT sum(bytes) FROM checkpoints") == 3000);
    store.add_checkpoint(trial, 97, "x", {.newest = 0});
    CHECK(checkpoint_steps() == std::vector<std::int64_t>{97});
}

TEST_CASE_FIXTURE(OneTrial, "the best may be the highest, and none while there is no value") {
    const Retention keep{.newest = 1, .best_metric = "accuracy", .best_is_lowest = false};
    store.add_checkpoint(trial, 1, "1", keep);
    store.add_checkpoint(trial, 2, "2", keep);
    CHECK(checkpoint_steps() == std::vector<std::int64_t>{2});
    add("accuracy", {{2, 0.9}, {3, 0.1}});
    store.add_checkpoint(trial, 3, "3", keep);
    CHECK(checkpoint_steps() == std::vector<std::int64_t>{2, 3});
}

TEST_CASE_FIXTURE(OneTrial, "a checkpoint may hold any bytes, and none at all") {
    std::string bytes;
    for (unsigned i = 0; i < 3'000'000; ++i) bytes.push_back(static_cast<char>(i * 7919 >> 3));
    store.add_checkpoint(trial, 1, bytes, {.newest = 9});
    store.add_checkpoint(trial, 2, "", {.newest = 9});
    CHECK(store.checkpoint_at(trial, 1) == bytes);
    CHECK(store.checkpoint_at(trial, 2) == "");
}

TEST_CASE_FIXTURE(OneTrial, "the room of removed checkpoints is used again") {
    const std::string bytes(4'000'000, 'x');
    for (int step = 0; step < 20; ++step) store.add_checkpoint(trial, step, bytes, {.newest = 1});
    store.connection().execute("PRAGMA wal_checkpoint(TRUNCATE)");
    CHECK(std::filesystem::file_size(store.file()) < 10'000'000);
}

TEST_CASE_FIXTURE(OneTrial, "a record of an unknown trial changes nothing") {
    const std::vector<MetricPoint> points{{"kl", 1, 1.0, 2e9}};
    CHECK(refusal([&] { store.add_metrics(99, points); }).kind == StoreError::Kind::no_match);
    CHECK(refusal([&] { store.add_checkpoint(99, 1, "x", {}); }).kind == StoreError::Kind::no_match);
    CHECK(refusal([&] { store.set_final_metric(99, "kl", 1); }).kind == StoreError::Kind::no_match);
    CHECK(refusal([&] { store.add_sample(99, "s", 1, "text", "x"); }).kind == StoreError::Kind::no_match);
    CHECK(number_of(store, "SELECT (SELECT count(*) FROM metric) + (SELECT count(*) FROM metric_name)") == 0);
}

TEST_CASE("a checkpoint in pieces is there once it is ended, and leaves none behind") {
    TemporaryFolder folder;
    auto store = Store::open(folder / "a.db");
    const auto trials = store.enqueue(plan("one", 2));
    const auto trial = trials[0].id, other = trials[1].id;
    const auto pieces = [&] { return number_of(store, "SELECT count(*) FROM checkpoint_piece"); };
    store.add_checkpoint(other, 3, "other", {});
    store.add_checkpoint_piece(trial, 0, "ab");
    store.add_checkpoint_piece(trial, 1, "cde");
    CHECK_FALSE(store.find_checkpoint(trial));
    CHECK(number_of(store, "SELECT count(*) FROM checkpoints") == 1);

    store.add_checkpoint_piece(trial, 0, "AB");  // begun anew
    CHECK(pieces() == 2);
    store.add_checkpoint_piece(trial, 1, "CDE");
    store.end_checkpoint(trial, 10, {});
    CHECK(store.checkpoint_at(trial, 10) == "ABCDE");
    CHECK(number_of(store, "SELECT bytes FROM checkpoints WHERE step = 10") == 5);

    SUBCASE("an unfinished one beside it goes with what is forgotten") {
        store.add_checkpoint_piece(trial, 0, "xyz");
        CHECK(store.newest_checkpoint(trial) == "ABCDE");
        CHECK(pieces() == 4);
        store.forget_after(trial, 10);
        CHECK(pieces() == 3);
        CHECK(store.newest_checkpoint(trial) == "ABCDE");
        store.forget_after(trial, -1);
        CHECK(pieces() == 1);
        CHECK(store.newest_checkpoint(other) == "other");
    }
    SUBCASE("one of the same step takes its place") {
        store.add_checkpoint_piece(trial, 0, "new");
        CHECK(store.checkpoint_at(trial, 10) == "ABCDE");
        store.end_checkpoint(trial, 10, {});
        CHECK(store.checkpoint_at(trial, 10) == "new");
        CHECK(pieces() == 2);
    }
    SUBCASE("one that is not whole is reported") {
        const auto found = store.find_checkpoint(trial);
        REQUIRE(found);
        run(store.connection(), "DELETE FROM checkpoint_piece WHERE number = 1");
        const auto refused = refusal([&] { store.read_checkpoint(*found, [](std::string_view) {}); });
        CHECK(refused.kind == StoreError::Kind::no_match);
        CHECK(refused.sentence ==
              fmt::format(
                  "the checkpoint of trial {} at step 10 is not whole in store {}: a piece of it is missing, or it "
                  "was removed while it was read; take another one",
                  trial, (folder / "a.db").string()));
    }
}

TEST_CASE("a checkpoint of many megabytes comes back piece by piece") {
    TemporaryFolder folder;
    auto store = Store::open(folder / "a.db");
    const auto trial = store.enqueue(plan("one", 1)).front().id;
    std::string bytes(9'000'001, '\0');
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 31 / 7);
    store.add_checkpoint(trial, 1, bytes, {});
    const auto found = store.find_checkpoint(trial, 1);
    REQUIRE(found);
    CHECK(found->bytes == 9'000'001);
    std::string again;
    std::size_t largest = 0;
    store.read_checkpoint(*found, [&](std::string_view piece) {
        again += piece;
        largest = std::max(largest, piece.size());
    });
    CHECK(again == bytes);
    CHECK(largest == 4 << 20);
    CHECK(store.checkpoint_piece(*found, 3).empty());
}
