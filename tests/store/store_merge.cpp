#include "store/merge.h"

#include "store/queries.h"
#include "tests/store/store_testing.h"

using namespace marginalia::store;

namespace merging {

// A store of one trial, and a shard that began as its copy.
struct Home {
    TemporaryFolder folder;
    Store store = Store::open(folder / "home.db");
    TrialId trial = store.enqueue(plan("one", 1)).front().id;

    Store shard(const std::string& name = "shard.db") {
        auto made = Store::open(folder / name);
        copy_trials(store.file(), std::span(&trial, 1), made);
        return made;
    }
    Merged merge(const std::string& engine = "", const std::string& name = "shard.db") {
        return merge_shard(store, folder / name, engine);
    }
    Trial now() { return *store.find(trial); }
};

void train(Store& store, TrialId trial, double kl, std::int64_t steps = 2) {
    store.claim(trial, this_process(), "cpu", 1);
    const std::vector<MetricPoint> points{{"loss", 1, 0.5, 1.8e9}, {"loss", 2, 0.25, 1.8e9 + 1}};
    store.add_metrics(trial, points);
    store.add_checkpoint(trial, steps, "weights", {});
    store.set_final_metric(trial, "kl", kl);
    store.set_final_metric(trial, "train_seconds", 17.0 + kl);
    store.set_status(trial, Status::done);
}

}  // namespace merging

using merging::Home;
using merging::train;

TEST_CASE("what a shard has done comes home once, under the trial's own number") {
    Home home;
    {
        auto shard = home.shard();
        train(shard, home.trial, 0.5);
    }
    home.store.hand_to(home.trial, "slurm:7");
    CHECK(home.merge("slurm:7").updated == 1);
    CHECK(home.now().status == Status::done);
    CHECK(home.store.newest_checkpoint(home.trial) == "weights");
    CHECK(number_of(home.store, "SELECT count(*) FROM metrics WHERE trial_id = 1") == 2);
    CHECK(number_of(home.store, "SELECT value FROM final_metrics WHERE name = 'kl'") == 0.5);
    const Merged again = home.merge("slurm:7");
    CHECK(again.same == 1);
    CHECK(again.updated + again.added + again.conflicts.size() == 0);
    CHECK(number_of(home.store, "SELECT count(*) FROM trial") == 1);
    CHECK(find_damage(home.store).empty());
}

TEST_CASE("a shard whose trial runs on is taken as far as it is, and nobody else claims it") {
    Home home;
    auto shard = home.shard();
    shard.claim(home.trial, this_process(), "cpu", 1);
    shard.add_checkpoint(home.trial, 5, "five", {});
    CHECK(home.merge("slurm:7").updated == 1);
    CHECK(is_handed_over(home.now()));
    CHECK(home.now().device == "slurm:7");
    CHECK(home.now().checkpoint_step == 5);
    CHECK_FALSE(home.store.claim(home.trial, this_process(), "cpu", 1));
    shard.add_checkpoint(home.trial, 9, "nine", {});
    CHECK(home.merge("slurm:7").updated == 1);
    CHECK(home.store.newest_checkpoint(home.trial) == "nine");
    // The job is over: what it has left is for whoever comes next.
    CHECK(home.merge().same == 1);
    CHECK_FALSE(is_handed_over(home.now()));
    CHECK(home.store.claim(home.trial, this_process(), "cpu", 1));
    CHECK(home.store.find_checkpoint(home.trial)->step == 9);
}

TEST_CASE("a trial that its job never began is given back") {
    Home home;
    home.shard();
    home.store.hand_to(home.trial, "slurm:7");
    CHECK_FALSE(home.store.claim(home.trial, this_process(), "cpu", 1));
    home.merge();
    CHECK(home.store.claim(home.trial, this_process(), "cpu", 1));
}

TEST_CASE("what was trained here and there apart is the same trial, and a conflict where the results differ") {
    Home home;
    train(home.store, home.trial, 0.5);
    for (const double kl : {0.5, 0.25}) {
        const std::string name = kl == 0.5 ? "same.db" : "other.db";
        auto apart = Store::open(home.folder / name);
        const auto trial = apart.enqueue(plan("one", 1)).front().id;
        apart.connection().execute("UPDATE trial SET created = created + 5000");
        train(apart, trial, kl);
    }
    CHECK(home.merge("", "same.db").conflicts.empty());
    const Merged other = home.merge("", "other.db");
    REQUIRE(other.conflicts.size() == 1);
    CHECK(other.conflicts[0].starts_with("trial 1 (one, seed 0) was run here and, as trial 1 of "));
    CHECK(number_of(home.store, "SELECT value FROM final_metrics WHERE name = 'kl'") == 0.5);
}

TEST_CASE("a store of other experiments is taken as a whole, beside what is there") {
    Home home;
    {
        auto other = Store::open(home.folder / "other.db");
        for (const auto& trial : other.enqueue(plan("two", 3, 2))) train(other, trial.id, 0.1);
    }
    CHECK(home.merge("", "other.db").added == 6);
    CHECK(number_of(home.store, "SELECT count(DISTINCT trial_id) FROM trials") == 7);
    CHECK(number_of(home.store, "SELECT count(*) FROM final_metrics WHERE name = 'kl'") == 6);
    CHECK(home.now().experiment == "one");
}

TEST_CASE("a copy that was trained here, too, is a conflict where the results differ") {
    Home home;
    {
        auto shard = home.shard();
        train(shard, home.trial, 0.25);
    }
    train(home.store, home.trial, 0.5);
    const Merged merged = home.merge();
    CHECK(merged.updated == 0);
    REQUIRE(merged.conflicts.size() == 1);
    CHECK(merged.conflicts[0].ends_with("with different results; the store keeps its own"));
    CHECK(number_of(home.store, "SELECT value FROM final_metrics WHERE name = 'kl'") == 0.5);
}

TEST_CASE("a trial that runs here is left alone until it has ended") {
    Home home;
    {
        auto shard = home.shard();
        train(shard, home.trial, 0.5);
    }
    REQUIRE(home.store.claim(home.trial, home.store.this_run(), "cpu", 1));
    CHECK(home.merge().running == 1);
    CHECK(home.now().status == Status::running);
    home.store.set_status(home.trial, Status::preempted);
    CHECK(home.merge().updated == 1);
    CHECK(home.now().status == Status::done);
}
