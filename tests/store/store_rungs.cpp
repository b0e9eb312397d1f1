// Rungs and setbacks: rows beside the status that follows from them.
#include <cmath>

#include "store/queries.h"
#include "store/rungs.h"
#include "tests/store/store_testing.h"

namespace store_rungs {

using namespace marginalia::store;

namespace {

struct Sweep {
    Sweep() : store(Store::open(folder / "s.db")), trials(store.enqueue(plan("e", 3))) {
        for (const Trial& trial : trials) {
            store.claim(trial.id, this_process(), "cpu", 1);
            store.add_metrics(trial.id, std::vector<MetricPoint>{{"kl", 10, 0.5, 0}, {"kl", 20, 0.25, 0}});
            store.add_checkpoint(trial.id, 20, "archive", {});
        }
    }
    Trial now(std::size_t index) { return *store.find(trials[index].id); }

    TemporaryFolder folder;
    Store store;
    std::vector<Trial> trials;
};

}  // namespace

TEST_CASE_FIXTURE(Sweep, "a trial waits at a rung with the value of that step, is promoted or pruned") {
    const TrialId trial = trials[0].id;
    wait_at_rung(store, trial, 0, 20, "kl");
    CHECK(now(0).status == Status::paused);
    CHECK(now(0).waits);
    auto rungs = rungs_of(store, trial);
    REQUIRE(rungs.size() == 1);
    CHECK(rungs[0].value == 0.25);
    CHECK(rungs[0].decision == Decision::waiting);
    CHECK_FALSE(rungs[0].decided);

    promote(store, trial, 0);
    CHECK(now(0).status == Status::queued);
    CHECK_FALSE(now(0).waits);
    CHECK(rungs_of(store, trial)[0].decision == Decision::promoted);
    CHECK(rungs_of(store, trial)[0].decided);

    wait_at_rung(store, trials[1].id, 0, 20, "kl");
    prune(store, trials[1].id, 0, "2nd of 3");
    CHECK(now(1).status == Status::pruned);
    CHECK(now(1).error == "2nd of 3");
    CHECK(
        text_of(store, "SELECT rung || ' ' || step || ' ' || value || ' ' || decision FROM rungs WHERE trial_id = 2") ==
        "0 20 0.25 pruned");

    prune_at(store, trials[2].id, {.number = 0, .step = 10, .value = std::nan("")}, "worse");
    CHECK(now(2).status == Status::pruned);
    CHECK(std::isnan(rungs_of(store, trials[2].id)[0].value));
    CHECK_THROWS_WITH(promote(store, trials[2].id, 3), "trial 3 has no rung 3");
    CHECK(now(2).status == Status::pruned);
}

TEST_CASE_FIXTURE(Sweep, "a metric that is not there at the step is not a number") {
    wait_at_rung(store, trials[0].id, 0, 15, "kl");
    CHECK(std::isnan(rungs_of(store, trials[0].id)[0].value));
    wait_at_rung(store, trials[1].id, 0, 20, "klx");
    CHECK(std::isnan(rungs_of(store, trials[1].id)[0].value));
}

TEST_CASE_FIXTURE(Sweep, "how far trials are is known of all, in their order") {
    wait_at_rung(store, trials[1].id, 0, 20, "kl");
    store.set_status(trials[2].id, Status::done);
    const std::vector<TrialId> ids{trials[2].id, trials[0].id, trials[1].id, 99};
    const auto found = standings(store, ids);
    REQUIRE(found.size() == 3);
    CHECK(found[0].trial == trials[0].id);
    CHECK(found[0].status == Status::running);
    CHECK(found[0].rungs.empty());
    CHECK(found[1].rungs.size() == 1);
    CHECK(found[1].checkpoint_step == 20);
    CHECK(found[2].trained);
}

TEST_CASE_FIXTURE(Sweep, "what is forgotten of a trial takes its later rungs with it") {
    wait_at_rung(store, trials[0].id, 0, 10, "kl");
    wait_at_rung(store, trials[0].id, 1, 20, "kl");
    store.forget_after(trials[0].id, 15);
    CHECK(rungs_of(store, trials[0].id).size() == 1);
    store.forget_after(trials[0].id, -1);
    CHECK(rungs_of(store, trials[0].id).empty());
}

TEST_CASE_FIXTURE(Sweep, "a setback queues its trial and outlives what is forgotten") {
    CHECK(setback_of(store, trials[0].id).rate == 1);
    set_back(store, trials[0].id, {0.1, "the loss of step 30 is not a finite number"});
    CHECK(now(0).status == Status::queued);
    store.forget_after(trials[0].id, -1);
    CHECK(setback_of(store, trials[0].id).rate == 0.1);
    CHECK(setback_of(store, trials[0].id).reason == "the loss of step 30 is not a finite number");
    CHECK(trials_set_back(store) == std::vector<TrialId>{trials[0].id});
    forget_setback(store, trials[0].id);
    CHECK(setback_of(store, trials[0].id).reason.empty());
}

}  // namespace store_rungs
