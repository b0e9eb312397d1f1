#include <algorithm>
#include <csignal>
#include <random>
#include <thread>

#include "store/queries.h"
#include "store/writer.h"
#include "tests/store/store_testing.h"

using namespace marginalia::store;
using namespace std::chrono_literals;

namespace {

struct Written {
    TemporaryFolder folder;
    std::filesystem::path file = folder / "a.db";
    std::vector<TrialId> trials;
    Written() {
        auto store = Store::open(file);
        for (const auto& trial : store.enqueue(plan("one", 3))) trials.push_back(trial.id);
    }
    double number(const std::string& sql) {
        auto store = Store::open_to_read(file);
        return number_of(store, sql);
    }
};

std::vector<MetricPoint> step_points(std::int64_t step) {
    const auto time = 2e9 + static_cast<double>(step);
    return {{"loss", step, 1.0 / static_cast<double>(step), time}, {"norm", step, 2.0, time}};
}

}  // namespace

TEST_CASE_FIXTURE(Written, "records are written in batches without being asked") {
    Writer writer(Store::open(file));
    for (int step = 1; step <= 100; ++step)
        for (const auto trial : trials) writer.metrics(trial, step_points(step));
    CHECK(number("SELECT count(*) FROM metrics") == 0);
    for (int i = 0; i < 100 && number("SELECT count(*) FROM metrics") < 600; ++i) std::this_thread::sleep_for(20ms);
    CHECK(number("SELECT count(*) FROM metrics") == 600);
    CHECK(writer.failure().empty());
}

TEST_CASE_FIXTURE(Written, "a checkpoint or the end of a trial is written at once") {
    Writer writer(Store::open(file));
    writer.flush();
    const auto before = std::chrono::steady_clock::now();
    writer.metrics(trials[0], step_points(1));
    writer.checkpoint(trials[0], 1, "bytes", {});
    while (number("SELECT count(*) FROM checkpoints") == 0) std::this_thread::sleep_for(1ms);
    CHECK(number("SELECT count(*) FROM metrics") == 2);
    writer.status(trials[0], Status::done);
    while (number("SELECT count(*) FROM trials WHERE status = 'done'") == 0) std::this_thread::sleep_for(1ms);
    MESSAGE("both within ",
            std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - before).count(), " ms");
}

TEST_CASE_FIXTURE(Written, "everything given before the end is in the store") {
    {
        Writer writer(Store::open(file));
        writer.metrics(trials[0], step_points(1));
        writer.final_metric(trials[0], "kl", 0.05);
        writer.sample(trials[1], "draws", 1, "text", "0101");
        writer.checkpoint(trials[2], 4, "abc", {});
        writer.status(trials[0], Status::failed, "why");
        writer.run([&](Store& store) { store.set_final_metric(trials[1], "kl", 0.07); });
    }
    CHECK(number("SELECT (SELECT count(*) FROM metrics) * 1000 + (SELECT count(*) FROM final_metrics) * 100 + "
                 "(SELECT count(*) FROM samples) * 10 + (SELECT count(*) FROM checkpoints)") == 2211);
    CHECK(number("SELECT count(*) FROM trials WHERE status = 'failed' AND error = 'why'") == 1);
}

TEST_CASE_FIXTURE(Written, "work runs after what was queued before it, and its exception reaches who waits") {
    Writer writer(Store::open(file));
    writer.metrics(trials[0], step_points(1));
    double seen = 0;
    writer.run_and_wait([&](Store& store) { seen = number_of(store, "SELECT count(*) FROM metrics"); });
    CHECK(seen == 2);
    CHECK_THROWS_WITH(writer.run_and_wait([&](Store& store) {
        store.set_final_metric(trials[0], "kl", 1);
        throw std::runtime_error("told to");
    }),
                      "told to");
    CHECK(number("SELECT count(*) FROM final_metrics") == 0);
    CHECK(writer.failure().empty());
    writer.run([](Store&) { throw std::runtime_error("nobody waits"); });
    writer.metrics(trials[1], step_points(1));
    writer.flush();
    CHECK(writer.failure() == "nobody waits");
    CHECK(number("SELECT count(*) FROM metrics") == 4);
}

TEST_CASE_FIXTURE(Written, "a record that can never be written stops no other") {
    Writer writer(Store::open(file));
    writer.metrics(trials[0], step_points(1));
    writer.metrics(77, step_points(1));
    writer.metrics(trials[0], step_points(2));
    writer.flush();
    CHECK(number("SELECT count(*) FROM metrics") == 4);
    CHECK(writer.failure().empty());
    const auto sentence = fmt::format("there is no trial 77 in store {}; see: marginalia list", file.string());
    CHECK(writer.take_failed() == std::map<TrialId, std::string>{{77, sentence}});
    CHECK(writer.take_failed().empty());
}

TEST_CASE_FIXTURE(Written, "a trial of which a record was left out is not done, whatever it says") {
    Writer writer(Store::open(file));
    writer.metrics(trials[0], step_points(1));
    writer.run_and_wait([](Store& store) {
        store.connection().execute(
            "CREATE TRIGGER refuse BEFORE INSERT ON sample WHEN new.name = 'bad' "
            "BEGIN SELECT zeroblob(2000000000); END");
    });
    writer.sample(trials[0], "bad", 1, "text", "x");
    writer.final_metric(trials[0], "kl", 1);
    writer.sample(trials[1], "good", 1, "text", "x");
    const auto first = writer.status(trials[0], Status::done);
    writer.status(trials[1], Status::done);
    writer.flush();
    CHECK(writer.written() > first);
    const auto failed = writer.take_failed();
    REQUIRE(failed.size() == 1);
    CHECK(failed.begin()->first == trials[0]);
    CHECK(number("SELECT count(*) FROM trials WHERE status = 'failed' AND error LIKE '%1,000,000,000 bytes'") == 1);
    CHECK(number("SELECT count(*) FROM trials WHERE status = 'done'") == 1);
    CHECK(number("SELECT count(*) FROM final_metrics") == 0);
    writer.run_and_wait([&](Store& store) { store.requeue(trials[0]); });
    writer.final_metric(trials[0], "kl", 1);  // it may try again
    writer.flush();
    CHECK(number("SELECT count(*) FROM final_metrics") == 1);
}

TEST_CASE_FIXTURE(Written, "a large checkpoint for which there is no room fails its trial alone") {
    Writer writer(Store::open(file));
    writer.run_and_wait([](Store& store) { store.connection().execute("PRAGMA max_page_count = 300"); });
    for (int number = 0; number < 4; ++number) writer.checkpoint_piece(trials[0], number, std::string(500'000, 'x'));
    writer.end_checkpoint(trials[0], 1, {});
    writer.metrics(trials[1], step_points(1));
    writer.checkpoint(trials[1], 1, "small", {});
    writer.flush();
    const std::map<TrialId, std::string> expected{
        {trials[0],
         fmt::format("there is no room on the disk of store {} for its checkpoint; make some, or use a smaller "
                     "network, and run with --retry-failed",
                     file.string())}};
    CHECK(writer.take_failed() == expected);
    CHECK(writer.failure().empty());
    CHECK(number("SELECT trial_id FROM checkpoints") == static_cast<double>(trials[1]));
    CHECK(number("SELECT count(*) FROM checkpoint_piece") == 1);
    CHECK(number("SELECT count(*) FROM metrics") == 2);
}

TEST_CASE_FIXTURE(Written, "a file that goes away is saved beside, and what comes then goes there") {
    Writer writer(Store::open(file));
    writer.metrics(trials[0], step_points(1));
    writer.flush();
    std::filesystem::rename(file, folder / "elsewhere.db");
    std::ofstream(folder / "a.db.rescued-1") << "taken";
    while (writer.moved().empty()) std::this_thread::sleep_for(10ms);
    const auto rescued = folder / "a.db.rescued-2";
    CHECK(writer.file() == rescued);
    CHECK(writer.failure().empty());
    writer.metrics(trials[0], step_points(2));
    writer.checkpoint(trials[0], 2, "bytes", {});
    writer.flush();
    auto store = Store::open_to_read(rescued);
    CHECK(number_of(store, "SELECT count(*) FROM metrics") == 4);
    CHECK(store.newest_checkpoint(trials[0]) == "bytes");
    auto old = Store::open_to_read(folder / "elsewhere.db");
    CHECK(number_of(old, "SELECT count(*) FROM metrics") == 2);
    CHECK(std::filesystem::file_size(file.string() + "-wal") == 0);  // it lies beside nothing that it belongs to
}

TEST_CASE_FIXTURE(Written, "what waits is counted in bytes until it is in the store") {
    Writer writer(Store::open(file));
    auto holder = Store::open(file);
    std::uint64_t last = 0;
    holder.transaction([&] {
        writer.checkpoint(trials[0], 1, std::string(3'000'000, 'x'), {});
        last = writer.status(trials[0], Status::done);
        while (!writer.locked_for()) std::this_thread::sleep_for(1ms);
        CHECK(writer.waiting_bytes() > 3'000'000);
        CHECK(writer.written() < last);
    });
    writer.flush();
    CHECK(writer.waiting_bytes() == 0);
    CHECK(writer.written() > last);
}

TEST_CASE_FIXTURE(Written, "one may give up on a lock") {
    auto holder = Store::open(file);
    holder.transaction([&] {
        Writer writer(Store::open(file));
        writer.checkpoint(trials[0], 1, "bytes", {});
        while (!writer.locked_for()) std::this_thread::sleep_for(1ms);
        writer.give_up();
        while (writer.failure().empty()) std::this_thread::sleep_for(1ms);
        CHECK(writer.failure().starts_with(fmt::format("store {} stayed locked by another program", file.string())));
    });
}

TEST_CASE_FIXTURE(Written, "a full disk keeps the records until there is room") {
    Writer writer(Store::open(file));
    writer.run_and_wait([](Store& store) { store.connection().execute("PRAGMA max_page_count = 60"); });
    writer.metrics(trials[0], step_points(1));
    writer.checkpoint(trials[0], 1, std::string(1'000'000, 'x'), {});
    const auto refused = refusal([&] { writer.flush(); });
    CHECK(refused.kind == StoreError::Kind::full);
    CHECK(writer.failure() == refused.sentence);
    CHECK(number("SELECT count(*) FROM metrics") == 0);
}

TEST_CASE_FIXTURE(Written, "what could not be written is written when that becomes possible") {
    Writer writer(Store::open(file));
    auto holder = Store::open(file);
    holder.transaction([&] {
        writer.metrics(trials[0], step_points(1));
        writer.checkpoint(trials[0], 1, "bytes", {});
        while (writer.locked_for().value_or(0ms) < 300ms) std::this_thread::sleep_for(1ms);
        CHECK(writer.failure().empty());
        writer.metrics(trials[0], step_points(2));
    });
    writer.flush();
    CHECK(writer.failure().empty());
    CHECK_FALSE(writer.locked_for());
    CHECK(number("SELECT count(*) FROM metrics") == 4);
    CHECK(number("SELECT count(*) FROM checkpoints") == 1);
}

TEST_CASE_FIXTURE(Written, "a disk that was full and has room again has everything") {
    if (!may_mount()) {
        MESSAGE("skipped: a small disk cannot be mounted here without privileges");
        return;
    }
    CHECK(in_child([&] {
        if (!mount_small_disk(folder.path, "size=2m")) return false;
        const auto trial = Store::open(file).enqueue(plan("one", 1)).front().id;
        Writer writer(Store::open(file));
        std::ofstream(folder / "ballast") << std::string(1'500'000, 'x');
        writer.metrics(trial, step_points(1));
        writer.checkpoint(trial, 1, std::string(600'000, 'x'), {});
        writer.metrics(trial, step_points(2));
        while (writer.failure().empty()) std::this_thread::sleep_for(1ms);
        if (!writer.failure().starts_with("no room on the disk of store")) return false;
        if (number("SELECT count(*) FROM metrics") != 0) return false;
        std::filesystem::remove(folder / "ballast");
        for (int i = 0; i < 300 && !writer.failure().empty(); ++i) std::this_thread::sleep_for(10ms);
        writer.flush();
        return number("SELECT count(*) FROM metrics") == 4 && number("SELECT count(*) FROM checkpoints") == 1;
    }));
}

TEST_CASE_FIXTURE(Written, "points of many threads all arrive") {
    {
        Writer writer(Store::open(file));
        std::vector<std::thread> threads;
        for (const auto trial : trials)
            threads.emplace_back([&, trial] {
                for (int step = 1; step <= 20'000; ++step) writer.metrics(trial, step_points(step));
            });
        for (auto& thread : threads) thread.join();
    }
    CHECK(number("SELECT count(*) FROM metrics") == 120'000);
    CHECK(number("SELECT sum(n) FROM summaries") == 120'000);
    CHECK(number("SELECT count(*) FROM summaries WHERE last_step = 20000 AND (name = 'norm' OR min_step = 20000)") ==
          6);
}

// The heart of resuming: whenever the host dies, a checkpoint has with it the points up to its step, once each.
TEST_CASE_FIXTURE(Written, "kill -9 at any moment leaves a checkpoint with exactly its points") {
    std::mt19937 random(20261122);
    std::int64_t newest = 0;
    for (int attempt = 0; attempt < 20; ++attempt) {
        const pid_t child = fork();
        if (child == 0) {
            Writer writer(Store::open(file));
            std::int64_t step = 0;
            writer.run_and_wait([&](Store& store) {
                if (!store.newest_checkpoint(trials[0], &step)) step = 0;
                store.forget_after(trials[0], step == 0 ? -1 : step);
            });
            for (;;) {
                ++step;
                writer.metrics(trials[0], step_points(step));
                if (step % 50 == 0)
                    writer.checkpoint(trials[0], step, std::string(200'000, static_cast<char>(step)), {.newest = 2});
                if (step % 10 == 0) std::this_thread::sleep_for(500us);
            }
        }
        std::this_thread::sleep_for(std::chrono::microseconds(std::uniform_int_distribution<>(5'000, 120'000)(random)));
        kill(child, SIGKILL);
        waitpid(child, nullptr, 0);

        auto store = Store::open(file);
        std::int64_t step = 0;
        const auto bytes = store.newest_checkpoint(trials[0], &step);
        REQUIRE(step >= newest);
        newest = step;
        if (bytes) CHECK(*bytes == std::string(200'000, static_cast<char>(step)));
        for (const auto* name : {"loss", "norm"}) {
            const auto sql = fmt::format("SELECT count(*) FROM metrics WHERE name = '{}' AND step <= {}", name, step);
            CHECK(number_of(store, sql) == static_cast<double>(step));
        }
        CHECK(number_of(store,
                        "SELECT count(*) FROM summaries s WHERE n <> (SELECT count(*) FROM metrics m "
                        "WHERE m.trial_id = s.trial_id AND m.name = s.name)") == 0);
        CHECK(text_of(store, "PRAGMA integrity_check") == "ok");
    }
    CHECK(newest > 500);
    MESSAGE("20 kills, newest checkpoint at step ", newest);
}
