// What the live view asks of a store: the order of trials, a page of them, counts.
#include <algorithm>
#include <cmath>
#include <ctime>

#include "store/overview.h"
#include "tests/store/store_testing.h"

namespace store_overview {

using namespace marginalia::store;
using Order = TrialOrder;

// Six trials: 1 done, 2 and 3 running, 4 queued, 5 failed, 6 paused.
struct Filled {
    Filled() : store(Store::open(folder / "a.db")) {
        store.transaction([&] {
            for (const Trial& trial : store.enqueue(plan("sweep", 6)))
                if (trial.id != 4) store.claim(trial.id, store.this_run(), "cpu", 1);
            for (const TrialId trial : {1, 2, 5})
                store.add_metrics(trial, std::vector<MetricPoint>{{"kl", 0, 9.0 - static_cast<double>(trial), 0},
                                                                  {"kl", 10, 1.0, 0},
                                                                  {"kl", 20, 2.0 + static_cast<double>(trial), 0}});
            store.set_final_metric(1, "kl", 1.5);
            store.set_final_metric(5, "kl", std::nan(""));
            store.add_checkpoint(6, 7, "x", {});
            store.set_status(1, Status::done);
            store.set_status(5, Status::failed, "no more");
            store.set_status(6, Status::paused);
            store.connection().execute(
                "INSERT INTO progress VALUES (2, 'training', 30, 100, 7.0), (3, 'training', 90, 100, 2.0);"
                "INSERT INTO request VALUES (3, 'pause', 0);"
                "UPDATE trial SET finished = 1000 * id WHERE finished IS NOT NULL;"
                "UPDATE trial SET ran = 1000 * id, attempt_started = NULL, heartbeat = 5000");
        });
    }
    TemporaryFolder folder;
    Store store;
};

LiveOrder by(Order order, bool reversed = false) {
    return {.order = order, .reversed = reversed, .metric = {"kl", LiveMetric::Of::lowest}};
}

using Trials = std::vector<TrialId>;

TEST_CASE("trials come in the order that is asked for, those without a value last") {
    Filled filled;
    const auto ordered = [&](const LiveOrder& order) { return ordered_trials(filled.store, order); };
    CHECK(ordered(by(Order::activity)) == Trials{2, 3, 6, 5, 1, 4});
    CHECK(ordered(by(Order::trial)) == Trials{1, 2, 3, 4, 5, 6});
    CHECK(ordered(by(Order::trial, true)) == Trials{6, 5, 4, 3, 2, 1});
    CHECK(ordered(by(Order::metric)) == Trials{2, 1, 3, 4, 5, 6});  // the best of the curve is 1, the final one 1.5
    CHECK(ordered(by(Order::metric, true)) == Trials{1, 2, 3, 4, 5, 6});
    CHECK(ordered(by(Order::progress)) == Trials{3, 2, 1, 4, 5, 6});
    CHECK(ordered(by(Order::left)) == Trials{3, 2, 1, 4, 5, 6});  // 5 s and 10 s
    CHECK(ordered(by(Order::seconds)) == Trials{6, 5, 4, 3, 2, 1});
    LiveOrder highest = by(Order::metric);
    highest.metric.of = LiveMetric::Of::highest;
    CHECK(ordered(highest) == Trials{2, 1, 3, 4, 5, 6});  // 7, its greatest, and 1.5
    LiveOrder other = by(Order::trial);
    other.experiment = "another";
    CHECK(ordered(other).empty());
}

TEST_CASE("trials are chosen by words that are read of the store for this alone") {
    Filled filled;
    filled.store.connection().execute("INSERT INTO tag VALUES (3, 'good'), (3, 'mine')");
    const auto with = [&](auto&& wanted) { return ordered_trials(filled.store, by(Order::trial), wanted); };
    CHECK(with([](const TrialWords& words) { return words.status == "running"; }) == Trials{2, 3});
    CHECK(with([](const TrialWords& words) { return words.tags == "good,mine"; }) == Trials{3});
    CHECK(with([](const TrialWords& words) { return words.config.ends_with(R"("train":{"rate":4}})"); }) == Trials{5});
    CHECK(with([](const TrialWords& words) { return words.experiment == "sweep" && words.seed == 0; }).size() == 6);
}

TEST_CASE("a page of trials has what is shown of each, in the order of the page") {
    Filled filled;
    const auto page = live_trials(filled.store, Trials{3, 99, 5, 1, 2, 6}, {"kl", LiveMetric::Of::lowest});
    REQUIRE(page.size() == 5);
    CHECK(page[0].id == 3);
    CHECK(page[0].status == Status::running);
    CHECK(page[0].phase == "training");
    CHECK(page[0].done == 90);
    CHECK(page[0].total == 100);
    CHECK(page[0].rate == 2);
    CHECK(page[0].asked == "pause");
    CHECK(page[0].heartbeat == 5);
    CHECK_FALSE(page[0].has_value);
    CHECK(page[1].error == "no more");
    CHECK(page[1].has_value);
    CHECK(std::isnan(page[1].value));  // as its final value, whatever the curve was
    CHECK(page[2].value == 1.5);
    CHECK(page[2].last == 3);
    CHECK(page[2].seconds == 1);
    CHECK(page[3].value == 1);
    CHECK(page[3].checkpoint == -1);
    CHECK(page[3].last_step == 20);
    CHECK(page[4].checkpoint == 7);
    CHECK(live_trials(filled.store, Trials{2}, {"kl", LiveMetric::Of::highest})[0].value == 7);
    CHECK(live_trials(filled.store, Trials{2}, {"kl", LiveMetric::Of::last})[0].value == 4);
    CHECK(curve_names(filled.store, Trials{2, 4}) == std::vector<std::string>{"kl"});
    CHECK(curve_names(filled.store, Trials{4}).empty());
    REQUIRE(summary_of(filled.store, 2, "kl"));
    CHECK(summary_of(filled.store, 2, "kl")->min_step == 10);
    CHECK_FALSE(summary_of(filled.store, 4, "kl"));
}

TEST_CASE("the time of a trial that runs goes on") {
    Filled filled;
    filled.store.connection().execute(
        fmt::format("UPDATE trial SET attempt_started = {} WHERE id = 2", now_ms() - 5000));
    CHECK(live_trials(filled.store, Trials{2}, {})[0].seconds == doctest::Approx(7).epsilon(0.1));
}

TEST_CASE("trials are counted by experiment and status, with the time that they took") {
    Filled filled;
    const auto counts = count_trials(filled.store, "");
    CHECK(counts.size() == 5);
    for (const TrialCount& count : counts) {
        CHECK(count.trials == (count.status == Status::running ? 2 : 1));
        if (count.status == Status::running) CHECK(count.seconds == 2.5);
    }
    CHECK(count_trials(filled.store, "another").empty());
}

TEST_CASE("some configs are all of few, and of many those that lie evenly among them") {
    TemporaryFolder folder;
    Store store = Store::open(folder / "a.db");
    store.enqueue(plan("sweep", 100, 2));
    CHECK(some_configs(store, "sweep", 100).size() == 100);
    const auto some = some_configs(store, "sweep", 4);
    REQUIRE(some.size() == 4);
    CHECK(some[0].ends_with(R"("rate":0}})"));
    CHECK(some[3].ends_with(R"("rate":75}})"));
    CHECK(some_configs(store, "another", 4).empty());
}

TEST_CASE("a trial whose process is gone is lost in the view, too") {
    Filled filled;
    filled.store.connection().execute("UPDATE trial SET pid = 0, boot_id = 'of-before' WHERE id = 3");
    Store reader = Store::open_to_read(filled.store.file());
    CHECK(ordered_trials(reader, by(Order::activity)) == Trials{2, 6, 3, 5, 1, 4});
    CHECK(live_trials(reader, Trials{3}, {})[0].status == Status::lost);
}

TEST_CASE("of ten thousand trials a page is read in a fraction of the time in which a person would notice") {
    TemporaryFolder folder;
    Store store = Store::open(folder / "a.db");
    store.transaction([&] {
        store.enqueue(plan("sweep", 10000));
        store.connection().execute(
            "UPDATE trial SET status = 'done', finished = id WHERE id % 2; INSERT INTO metric_name VALUES (1, 'kl');"
            "INSERT INTO final_metric SELECT id, 1, id % 977 FROM trial WHERE id % 2");
    });
    double least = HUGE_VAL;  // another process may disturb any one
    for (int i = 0; i < 3; ++i) {
        const std::clock_t began = std::clock();
        const auto order = ordered_trials(store, by(Order::metric));
        CHECK(order.size() == 10000);
        CHECK(live_trials(store, std::span(order).first(44), {"kl", LiveMetric::Of::lowest}).size() == 44);
        CHECK(count_trials(store, "").size() == 2);
        least = std::min(least, static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC);
    }
    CHECK(least < 0.2);  // it is 0.02
}

}  // namespace store_overview
