// Trials on their way between store files: the trash, restoring, archives, garbage; and what a kill leaves.
#include <fmt/format.h>

#include <csignal>
#include <map>
#include <memory>
#include <random>

#include "store/archive.h"
#include "store/garbage.h"
#include "store/queries.h"
#include "store/remarks.h"
#include "store/rungs.h"
#include "store/transfer.h"
#include "store/trash.h"
#include "tests/store/store_testing.h"

namespace marginalia::store {
namespace store_transfer {

namespace fs = std::filesystem;

PlannedSweep evaluated_plan(const std::string& experiment, int configs, int seeds = 1) {
    auto sweep = plan(experiment, configs, seeds);
    for (auto& trial : sweep.trials) {
        trial.evaluation = R"({"evaluation":{"samples":10}})";
        trial.evaluation_hash = "e10";
    }
    return sweep;
}

// Something in every table that a trial can have rows in. `checkpoint`: bytes.
void do_everything(Store& store, TrialId trial, std::size_t checkpoint = 5'000'000) {
    REQUIRE(store.claim(trial, store.this_run(), "cuda:0", 2, {"NVIDIA H200", "GPU-1", 1 << 30, "580"}));
    for (const char* name : {"loss", "accuracy"})
        for (std::int64_t step = 0; step < 50; ++step) {
            const MetricPoint point{name, step, 1.0 / static_cast<double>(step + trial), 1e9};
            store.add_metrics(trial, {&point, 1});
        }
    store.add_checkpoint(trial, 49, std::string(checkpoint, static_cast<char>('a' + trial % 26)), {});
    store.set_status(trial, Status::done);
    if (store.find(trial)->status == Status::queued) {
        REQUIRE(store.claim(trial, store.this_run(), "cpu", 1));
        store.set_final_metric(trial, "kl", 0.1 * static_cast<double>(trial));
        store.set_status(trial, Status::done);
    }
    store.add_sample(trial, "model", 49, "text", fmt::format("of trial {}", trial));
    set_tag(store, trial, "good", true);
    set_tag(store, trial, "seen", true);
    add_note(store, trial, "looks well");
    add_note(store, trial, "second thought");
    set_back(store, trial, {0.1, "the loss is not finite"});
    store.connection().execute(
        fmt::format("INSERT INTO log VALUES ({0}, 0, 5, x'61'), ({0}, 1, 6, x'62');"
                    "INSERT INTO rung VALUES ({0}, 0, 25, 0.5, 'on', 7);"
                    "INSERT INTO progress VALUES ({0}, 'training', 3, 50, 1.5)",
                    trial));
}

// All that a trial has but for numbers that are of its file, as text: what two stores are compared by.
std::string everything(Store& store, TrialId trial) {
    std::string text;
    for (const std::string select :
         {"t.experiment, t.seed, t.status, t.error, t.device, t.threads, t.host, t.boot_id, t.pid, t.created, "
          "t.started, t.attempt_started, t.training_started, t.finished, t.ran, t.attempts, t.trained, "
          "t.device_name, t.device_id, t.device_memory, t.driver, t.heartbeat, c.hash, c.json, e.hash) FROM trial t "
          "JOIN config c ON c.id = t.config LEFT JOIN evaluation e ON e.id = t.evaluation WHERE t.id = ?",
          "n.name, m.step, m.value, m.time) FROM metric m JOIN metric_name n ON n.id = m.metric WHERE m.trial = ?",
          "n.name, s.n, s.last, s.min, s.max_step) FROM summary s JOIN metric_name n ON n.id = s.metric WHERE "
          "s.trial = ?",
          "name, value) FROM final_metrics WHERE trial_id = ?",
          "hash, json, status, error, created, finished) FROM evaluation WHERE trial = ?",
          "e.hash, n.name, f.value) FROM figure f JOIN evaluation e ON e.id = f.evaluation JOIN metric_name n ON "
          "n.id = f.metric WHERE f.trial = ?",
          "k.step, k.created, k.bytes, p.number, length(p.data), hex(substr(p.data, 1, 9))) FROM checkpoint k JOIN "
          "checkpoint_piece p ON p.trial = k.trial AND p.archive = k.archive WHERE k.trial = ?",
          "name, step, kind, data) FROM sample WHERE trial = ?", "number, created, hex(data)) FROM log WHERE trial = ?",
          "number, step, value, decision, decided) FROM rung WHERE trial = ?",
          "phase, done, total, rate) FROM progress WHERE trial = ?", "name) FROM tag WHERE trial = ?",
          "created, text) FROM note WHERE trial = ?",
          "s.experiment, s.file, s.toml, s.created, p.json) FROM sweep_trial x JOIN sweep s ON s.id = x.sweep "
          "JOIN provenance p ON p.id = s.provenance WHERE x.trial = ?"}) {
        Rows rows(store.connection(), "SELECT json_array(" + select + " ORDER BY 1", trial);
        while (rows.next()) text += rows.text(0) + "\n";
    }
    return text;
}

// How many rows of each table are the trial's: also of tables that everything() does not know yet.
std::map<std::string, std::int64_t> rows_of(Store& store, TrialId trial) {
    std::vector<std::string> tables;
    {
        Rows rows(store.connection(),
                  "SELECT m.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c ON c.name = 'trial' "
                  "WHERE m.type = 'table' AND m.name NOT IN ('request', 'removed')");
        while (rows.next()) tables.push_back(rows.text(0));
    }
    std::map<std::string, std::int64_t> counts;
    for (const auto& table : tables)
        counts[table] = static_cast<std::int64_t>(
            number_of(store, fmt::format("SELECT count(*) FROM {} WHERE trial = {}", table, trial)));
    return counts;
}

// Two experiments, "first" of trials 1 to 3 and "second" of 4 to 6, all of them trained.
Store filled(const fs::path& file, std::size_t checkpoint = 5'000'000) {
    auto store = Store::open(file);
    store.enqueue(evaluated_plan("first", 3));
    store.enqueue(evaluated_plan("second", 3));
    for (TrialId trial = 1; trial <= 6; ++trial) do_everything(store, trial, checkpoint);
    return store;
}

const std::vector<TrialId> second{4, 5, 6};

TEST_CASE("what is removed comes back as it was, by the same number") {
    const TemporaryFolder folder;
    auto store = filled(folder / "s.db");
    const auto before = everything(store, 5), other = everything(store, 2);
    const auto rows = rows_of(store, 5);
    for (const auto& [table, count] : rows) CHECK_MESSAGE(count > 0, "the fixture puts nothing into " << table);
    CHECK(trash_of(store.file()) == folder / "s.trash.db");
    Trash trash(store);
    CHECK(trash.take(second) == 0);
    CHECK(list_trials(store).size() == 3);
    CHECK(experiment_names(store) == std::vector<std::string>{"first"});
    for (const auto& [table, count] : rows_of(store, 5)) CHECK_MESSAGE(count == 0, table);
    CHECK(everything(trash.contents(), 5) == before);
    CHECK(rows_of(trash.contents(), 5) == rows);
    CHECK(find_damage(store).empty());
    CHECK(find_damage(trash.contents()).empty());

    CHECK(store.enqueue(plan("third", 1)).front().id == 7);  // and not 4, which may come back
    const auto restored = trash.give_back(second);
    CHECK(restored.size() == 3);
    for (const auto& one : restored) CHECK(one.was == one.is);
    CHECK(everything(store, 5) == before);
    CHECK(rows_of(store, 5) == rows);
    CHECK(everything(store, 2) == other);
    CHECK(list_trials(trash.contents()).empty());
    CHECK(find_damage(store).empty());
    CHECK(store.checkpoint_at(5, 49) == std::string(5'000'000, 'f'));
}

TEST_CASE("a number once given is never given again, whatever becomes of the trash") {
    const TemporaryFolder folder;
    auto store = filled(folder / "s.db", 100);
    {
        Trash trash(store);
        trash.take(second);
        trash.drop(second);
        CHECK(list_trials(trash.contents()).empty());
    }
    fs::remove(trash_of(store.file()));
    CHECK(store.enqueue(plan("third", 1)).front().id == 7);
}

TEST_CASE("what has been trained anew is not overwritten by what was removed") {
    const TemporaryFolder folder;
    auto store = filled(folder / "s.db", 100);
    Trash trash(store);
    CHECK(trash.take(std::vector<TrialId>{1, 4, 5, 6}) == 0);
    usleep(2000);  // two plans are told apart by their millisecond
    const auto anew = store.enqueue(evaluated_plan("second", 1)).front().id;
    CHECK(anew == 7);
    const auto refused = refusal([&] { trash.give_back(std::vector<TrialId>{1, 4}); });
    CHECK(refused.kind == StoreError::Kind::no_match);
    CHECK(
        refused.sentence ==
        fmt::format("trial 4 cannot be restored: its experiment has trained the same again since, as trial 7 of store "
                    "{}; to exchange them, first: marginalia rm 7",
                    store.file().string()));
    CHECK(!store.find(1));  // nothing was moved
    // The newer takes its place in the trash.
    CHECK(trash.take(std::vector<TrialId>{anew}) == 1);
    CHECK(!trash.contents().find(4));
    CHECK(trash.give_back(std::vector<TrialId>{anew}).front().is == anew);
}

TEST_CASE("a trial whose number another one has gets a new one") {
    const TemporaryFolder folder;
    auto store = filled(folder / "s.db", 100);
    Trash trash(store);
    const auto before = everything(store, 4);
    trash.take(second);
    store.connection().execute("DELETE FROM removed");  // as merging in what others numbered would do
    store.enqueue(plan("third", 1));
    const auto restored = trash.give_back(std::vector<TrialId>{4});
    CHECK(restored.front().was == 4);
    CHECK(restored.front().is == 5);
    CHECK(everything(store, 5) == before);
}

TEST_CASE("a trial that runs is not removed") {
    const TemporaryFolder folder;
    auto store = filled(folder / "s.db", 100);
    store.enqueue(plan("third", 1));
    REQUIRE(store.claim(7, store.this_run(), "cpu", 1));
    Trash trash(store);
    CHECK(refusal([&] { trash.take(std::vector<TrialId>{7}); }).sentence ==
          "trial 7 is running; stop it before it is removed");
    CHECK(refusal([&] { trash.take(std::vector<TrialId>{1, 99}); }).sentence ==
          fmt::format("there is no trial 99 in store {}; see: marginalia list", store.file().string()));
    CHECK(list_trials(store).size() == 7);  // what is refused moves nothing
    CHECK(list_trials(trash.contents()).empty());
}

// A kill between the two commits leaves a trial in both files: here by putting one of them back.
TEST_CASE("what a kill between the two commits leaves in both files is mended by the next command") {
    const TemporaryFolder folder;
    const auto file = folder / "s.db", trash_file = trash_of(file);
    filled(file);
    fs::copy_file(file, folder / "before.db");
    {
        auto store = Store::open(file);
        Trash(store).take(second);
    }
    fs::copy_file(file, folder / "after.db");
    SUBCASE("of removing") {
        fs::copy_file(folder / "before.db", file, fs::copy_options::overwrite_existing);
        auto store = Store::open(file);
        const auto before = everything(store, 4);
        Trash trash(store);
        CHECK(list_trials(trash.contents()).empty());
        CHECK(everything(store, 4) == before);
        CHECK(number_of(trash.contents(), "SELECT count(*) FROM removed") == 0);
        CHECK(trash.take(second) == 0);
        CHECK(everything(trash.contents(), 4) == before);
    }
    SUBCASE("of restoring") {
        fs::copy_file(trash_file, folder / "before.trash.db");
        std::string before;
        {
            auto store = Store::open(file);
            Trash trash(store);
            before = everything(trash.contents(), 4);
            trash.give_back(second);
        }
        fs::copy_file(folder / "before.trash.db", trash_file, fs::copy_options::overwrite_existing);
        auto store = Store::open(file);
        Trash trash(store);
        CHECK(list_trials(trash.contents()).empty());
        CHECK(everything(store, 4) == before);
    }
}

TEST_CASE("killed at any moment of removing and restoring, every trial is in one file and whole") {
    const TemporaryFolder folder;
    const auto file = folder / "s.db";
    std::vector<std::string> before;
    {
        auto store = filled(file, 300'000);
        for (TrialId trial = 1; trial <= 6; ++trial) before.push_back(everything(store, trial));
    }
    std::mt19937 chance(1);
    int in_trash = 0;
    for (int round = 0; round < 12; ++round) {
        const pid_t child = fork();
        if (child == 0) {
            for (;;) {
                auto store = Store::open(file);
                Trash trash(store);
                std::vector<TrialId> here, there;
                for (const auto& trial : list_trials(store)) here.push_back(trial.id);
                for (const auto& trial : list_trials(trash.contents())) there.push_back(trial.id);
                for (const auto trial : here) trash.take({&trial, 1});
                trash.give_back(there);
            }
        }
        usleep(static_cast<useconds_t>(30'000 + chance() % 200'000));
        kill(child, SIGKILL);
        waitpid(child, nullptr, 0);
        auto store = Store::open(file);
        Trash trash(store);
        for (TrialId trial = 1; trial <= 6; ++trial) {
            const bool is_here = store.find(trial).has_value();
            CHECK(is_here != trash.contents().find(trial).has_value());
            CHECK(everything(is_here ? store : trash.contents(), trial) == before[static_cast<std::size_t>(trial - 1)]);
            in_trash += !is_here;
        }
        CHECK(find_damage(store).empty());
        CHECK(find_damage(trash.contents()).empty());
    }
    MESSAGE("found in the trash: " << in_trash << " of 72");
}

TEST_CASE("an archive has an experiment whole, under numbers of its own for what is not a trial") {
    const TemporaryFolder folder;
    auto store = filled(folder / "s.db");
    store.enqueue(plan("running", 5));
    REQUIRE(store.claim(7, store.this_run(), "cpu", 1));
    store.add_checkpoint_piece(7, 0, "the beginning of a checkpoint");
    archive_trials(folder / "s.db", std::vector<TrialId>{4, 5, 6, 7}, folder / "a.db");
    auto archive = Store::open_to_read(folder / "a.db");
    for (const auto trial : second) {
        CHECK(everything(archive, trial) == everything(store, trial));
        CHECK(rows_of(archive, trial) == rows_of(store, trial));
    }
    CHECK(archive.find(7)->status == Status::lost);
    CHECK(archive.find(7)->error == "it was running when it was copied");
    CHECK(number_of(archive, "SELECT count(*) FROM checkpoint_piece WHERE trial = 7") == 0);
    CHECK(number_of(archive, "SELECT count(*) FROM config") < number_of(store, "SELECT count(*) FROM config"));
    CHECK(find_damage(archive).empty());
    CHECK(store.find(7)->status == Status::running);

    const auto taken = refusal([&] { archive_trials(folder / "s.db", second, folder / "a.db"); });
    CHECK(taken.sentence == fmt::format("{} is there already and was left as it is; name a new file with --out",
                                        (folder / "a.db").string()));
    CHECK(refusal([&] { archive_trials(folder / "s.db", std::vector<TrialId>{4, 99}, folder / "b.db"); }).sentence ==
          fmt::format("there is no trial 99 in store {}; see: marginalia list", (folder / "s.db").string()));
    for (const auto& name : folder.files()) CHECK_MESSAGE(name.find("b.db") == name.npos, name);
}

TEST_CASE("an archive can be made of a store that nobody can write") {
    const TemporaryFolder folder;
    fs::create_directory(folder / "made");
    filled(folder / "made/s.db", 100);
    fs::permissions(folder / "made/s.db", fs::perms(0444));
    fs::permissions(folder / "made", fs::perms(0555));
    fs::permissions(folder.path, fs::perms(0777));
    const WithoutPrivileges nobody;
    archive_trials(folder / "made/s.db", second, folder / "a.db");
    CHECK(list_trials(*std::make_unique<Store>(Store::open_to_read(folder / "a.db"))).size() == 3);
}

TEST_CASE("what gc foretells is what it frees") {
    const TemporaryFolder folder;
    const auto file = folder / "s.db", trash_file = trash_of(file);
    {
        auto store = filled(file);
        store.enqueue(plan("third", 2));
        REQUIRE(store.claim(7, store.this_run(), "cpu", 1));
        for (std::int64_t step = 0; step < 4; ++step)
            store.add_checkpoint(7, step, std::string(1'000'000, 'x'), {.newest = 10});
        store.set_status(7, Status::done);
        store.add_checkpoint_piece(8, 0, std::string(2'000'000, 'y'));
        Trash(store).take(std::vector<TrialId>{4, 5});
        store.connection().execute("INSERT INTO provenance(json) VALUES (printf('{\"diff\": \"%.*c\"}', 300000, 'd'))");
    }
    const GarbageOptions options{.trash_seconds = 0, .retention = [](const Sweep&) { return Retention{}; }};
    std::vector<Garbage> foretold;
    {
        auto reader = Store::open_to_read(file);
        foretold = find_garbage(reader, options);
        CHECK(foretold.at(0).what == "trials in the trash");
        CHECK(foretold.at(0).count == 2);
        CHECK(foretold.at(1).what == "pieces of checkpoints that were never ended");
        CHECK(foretold.at(1).count == 1);
        CHECK(foretold.at(1).bytes == doctest::Approx(2'000'000).epsilon(0.002));
        CHECK(foretold.at(2).what == "checkpoints beyond the newest and the best");
        CHECK(foretold.at(2).count == 3);
        CHECK(foretold.at(3).what == "configs and provenance of no trial");
        CHECK(foretold.at(3).count == 1);  // configs of the second experiment are the first's as well
        CHECK(foretold.at(4).what == "free pages");
        CHECK(find_garbage(reader, {.trash_seconds = 3600}).at(0).count == 0);
    }
    const auto sizes = [&] { return fs::file_size(file) + fs::file_size(trash_file); };
    const auto before = sizes();
    {
        auto store = Store::open(file);
        const auto removed = remove_garbage(store, options);
        REQUIRE(removed.size() == foretold.size());
        for (std::size_t i = 0; i < removed.size(); ++i) {
            CHECK(removed[i].what == foretold[i].what);
            CHECK(removed[i].count == foretold[i].count);
            CHECK(removed[i].bytes == foretold[i].bytes);
        }
        give_back_pages(store);
        CHECK(store.newest_checkpoint(7)->size() == 1'000'000);
        CHECK(find_damage(store).empty());
    }
    std::int64_t promised = 0;
    for (const auto& kind : foretold) promised += kind.bytes;
    const auto freed = static_cast<std::int64_t>(before) - static_cast<std::int64_t>(sizes());
    MESSAGE("foretold " << promised << " bytes, freed " << freed);
    CHECK(std::abs(freed - promised) < promised / 100 + 65536);
    auto reader = Store::open_to_read(file);
    for (const auto& kind : find_garbage(reader, options)) CHECK_MESSAGE(kind.bytes < 16384, kind.what);
}

TEST_CASE("gc keeps the best checkpoint where the run of a file keeps it, and all that runs") {
    const TemporaryFolder folder;
    auto store = Store::open(folder / "s.db");
    store.enqueue(plan("first", 2));
    for (const TrialId trial : {1, 2}) {
        REQUIRE(store.claim(trial, store.this_run(), "cpu", 1));
        for (std::int64_t step = 0; step < 4; ++step) {
            const MetricPoint point{"loss", step, std::abs(static_cast<double>(step) - 1), 1e9};
            store.add_metrics(trial, {&point, 1});
            store.add_checkpoint(trial, step, "some bytes", {.newest = 9});
        }
    }
    store.add_checkpoint_piece(2, 0, "which it writes just now");
    store.set_status(1, Status::done);
    const GarbageOptions options{.retention = [](const Sweep& sweep) {
        CHECK(sweep.experiment == "first");
        return Retention{.newest = 1, .best_metric = "loss"};
    }};
    remove_garbage(store, options);
    std::vector<std::int64_t> steps;
    for (const auto& one : list_checkpoints(store, 1)) steps.push_back(one.step);
    CHECK(steps == std::vector<std::int64_t>{1, 3});
    CHECK(list_checkpoints(store, 2).size() == 4);
    CHECK(number_of(store, "SELECT count(*) FROM checkpoint_piece WHERE trial = 2") == 5);
}

TEST_CASE("tags and notes are of a trial that is there, and not without bound") {
    const TemporaryFolder folder;
    auto store = Store::open(folder / "s.db");
    store.enqueue(plan("first", 1));
    CHECK(set_tag(store, 1, "good", true));
    CHECK(!set_tag(store, 1, "good", true));
    CHECK(set_tag(store, 1, "best", true));
    CHECK(store.find(1)->tags == "best,good");
    CHECK(set_tag(store, 1, "best", false));
    CHECK(!set_tag(store, 1, "best", false));
    CHECK(store.find(1)->tags == "good");
    add_note(store, 1, "a thought");
    REQUIRE(trial_details(store, 1).notes.size() == 1);
    CHECK(trial_details(store, 1).notes[0].text == "a thought");
    CHECK(refusal([&] { add_note(store, 9, "of nothing"); }).sentence ==
          fmt::format("there is no trial 9 in store {}; see: marginalia list", store.file().string()));
    CHECK(refusal([&] { set_tag(store, 9, "good", true); }).kind == StoreError::Kind::no_match);
    for (std::size_t i = 1; i < most_tags; ++i) set_tag(store, 1, fmt::format("tag-{}", i), true);
    CHECK(refusal([&] { set_tag(store, 1, "more", true); }).sentence ==
          "trial 1 has 100 tags already, and takes no more");
}

}  // namespace store_transfer
}  // namespace marginalia::store
