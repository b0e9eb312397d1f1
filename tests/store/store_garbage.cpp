// What gc foretells, frees and keeps; tags and notes.
#include <cmath>

#include "store/garbage.h"
#include "store/trash.h"
#include "tests/store/full_trials.h"

namespace marginalia::store {
namespace store_garbage {

namespace fs = std::filesystem;
using namespace full_trials;

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

}  // namespace store_garbage
}  // namespace marginalia::store
