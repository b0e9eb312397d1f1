// What people ask of trials, and what becomes of it whoever is killed when.
#include "store/requests.h"

#include <algorithm>

#include "tests/store/store_testing.h"

using namespace marginalia::store;

namespace {

// A store of one trial, which is queued.
struct AskedTrial {
    AskedTrial() : store(Store::open(folder / "a.db")) { store.enqueue(plan("one", 1)); }

    void start() { REQUIRE(store.claim(1, this_process(), "cpu", 1)); }
    void start_elsewhere(std::int64_t age_ms) {
        start();
        store.connection().execute(
            fmt::format("UPDATE trial SET host = 'elsewhere', boot_id = 'other//', heartbeat = {}", now_ms() - age_ms));
    }
    void kill_host() { store.connection().execute("UPDATE trial SET pid_start = pid_start + 1"); }
    Status status() { return store.find(1)->status; }
    std::int64_t requests() { return static_cast<std::int64_t>(number_of(store, "SELECT count(*) FROM request")); }

    TemporaryFolder folder;
    Store store;
};

}  // namespace

TEST_CASE("a trial that nobody runs becomes at once what is asked of it") {
    AskedTrial one;
    CHECK(ask(one.store, 1, Wish::pause).outcome == Outcome::happened);
    CHECK(one.status() == Status::paused);
    CHECK(ask(one.store, 1, Wish::pause).outcome == Outcome::happened);
    const Answer cancelled = ask(one.store, 1, Wish::cancel);
    CHECK(cancelled.before == Status::paused);
    CHECK(cancelled.trial.status == Status::cancelled);
    CHECK(ask(one.store, 1, Wish::pause).outcome == Outcome::refused);
    CHECK_FALSE(one.store.claim(1, this_process(), "cpu", 1));
    CHECK(ask(one.store, 1, Wish::retry).trial.status == Status::queued);
    CHECK(ask(one.store, 1, Wish::retry).outcome == Outcome::refused);
    CHECK(one.requests() == 0);
    CHECK(refusal([&] { ask(one.store, 2, Wish::cancel); }).kind == StoreError::Kind::no_match);
}

TEST_CASE("what has ended is retried, and what is done is not") {
    for (const Status status :
         {Status::failed, Status::timeout, Status::oom, Status::pruned, Status::preempted, Status::lost}) {
        AskedTrial one;
        one.start();
        one.store.set_status(1, status, "why");
        CHECK(ask(one.store, 1, Wish::retry).outcome == Outcome::happened);
        CHECK(one.status() == Status::queued);
    }
    AskedTrial one;
    one.start();
    one.store.set_status(1, Status::done);
    for (const Wish wish : {Wish::cancel, Wish::pause, Wish::retry})
        CHECK(ask(one.store, 1, wish).outcome == Outcome::refused);
}

TEST_CASE("of a running trial a request is left, which is done when it stops before its end") {
    AskedTrial one;
    one.start();
    CHECK(ask(one.store, 1, Wish::pause).outcome == Outcome::asked);
    CHECK(ask(one.store, 1, Wish::cancel).outcome == Outcome::asked);
    CHECK(pending_requests(one.store) == std::map<TrialId, Wish>{{1, Wish::cancel}});
    CHECK(is_asked(one.store, 1));
    one.store.set_status(1, Status::preempted);
    CHECK(one.status() == Status::cancelled);
    CHECK(one.requests() == 0);

    ask(one.store, 1, Wish::retry);
    one.start();
    ask(one.store, 1, Wish::pause);
    one.store.set_status(1, Status::failed, "its own fault");
    CHECK(one.status() == Status::failed);
    CHECK(one.requests() == 0);
}

TEST_CASE("a request is withdrawn by a retry") {
    AskedTrial one;
    one.start();
    CHECK(ask(one.store, 1, Wish::retry).outcome == Outcome::refused);
    ask(one.store, 1, Wish::cancel);
    CHECK(ask(one.store, 1, Wish::retry).outcome == Outcome::happened);
    one.store.set_status(1, Status::preempted);
    CHECK(one.status() == Status::preempted);
}

TEST_CASE("a trial whose host is dead is what was asked of it, before or after") {
    AskedTrial before;
    before.start();
    ask(before.store, 1, Wish::pause);
    before.kill_host();
    CHECK_FALSE(is_asked(before.store, 1));
    CHECK(before.store.mark_lost().empty());
    CHECK(before.status() == Status::paused);
    CHECK(before.store.find(1)->error.empty());
    AskedTrial after;
    after.start();
    after.kill_host();
    CHECK(ask(after.store, 1, Wish::cancel).outcome == Outcome::happened);
    CHECK(after.status() == Status::cancelled);
}

TEST_CASE("a trial that is trained and waits for its evaluation keeps that when it is paused") {
    TemporaryFolder folder;
    Store store = Store::open(folder / "a.db");
    PlannedSweep sweep = plan("one", 1);
    sweep.trials[0].evaluation = R"({"evaluation":{}})";
    sweep.trials[0].evaluation_hash = "0123";
    store.enqueue(sweep);
    REQUIRE(store.claim(1, this_process(), "cpu", 1));
    ask(store, 1, Wish::pause);
    store.set_status(1, Status::done);  // of the training: what is next has been asked not to begin
    CHECK(store.find(1)->status == Status::paused);
    CHECK(store.find(1)->trained);
    CHECK(text_of(store, "SELECT status FROM evaluations") == "paused");
    ask(store, 1, Wish::retry);
    CHECK(text_of(store, "SELECT status FROM evaluations") == "queued");
    ask(store, 1, Wish::cancel);
    CHECK(text_of(store, "SELECT status FROM evaluations") == "cancelled");
}

TEST_CASE("a host tries again what failed, but not what a person has stopped meanwhile") {
    AskedTrial one;
    one.start();
    one.store.set_status(1, Status::failed, "why");
    one.store.put_back(1);
    CHECK(one.status() == Status::queued);
    ask(one.store, 1, Wish::cancel);
    one.store.put_back(1);
    CHECK(one.status() == Status::cancelled);
}

TEST_CASE("another machine's host is alive as long as its heart beats") {
    AskedTrial beating, silent, old;
    beating.start_elsewhere(longest_silence - 10'000);
    silent.start_elsewhere(longest_silence + 1'000);
    old.start_elsewhere(longest_silence + 1'000);
    old.store.connection().execute("UPDATE trial SET heartbeat = NULL");  // of a version without heartbeats
    for (AskedTrial* one : {&beating, &silent, &old}) {
        const std::string_view expected = one == &silent ? "lost" : "running";
        auto reader = Store::open_to_read(one->folder / "a.db");
        CHECK(name_of(reader.find(1)->status) == expected);
        CHECK(text_of(reader, "SELECT status FROM trials") == expected);
        CHECK(one->store.mark_lost().size() == (one == &silent ? 1 : 0));
    }
}

TEST_CASE("a host sees what others have written, and which trials it may take up") {
    AskedTrial one;
    const std::int64_t before = data_version(one.store);
    one.start();
    CHECK(data_version(one.store) == before);
    auto other = Store::open(one.folder / "a.db");
    ask(other, 1, Wish::pause);
    CHECK(data_version(one.store) != before);
    one.store.set_status(1, Status::preempted);
    CHECK(open_trials(one.store, "[1,2]").empty());
    ask(other, 1, Wish::retry);
    one.store.add_checkpoint(1, 5, "bytes", {});
    auto open = open_trials(one.store, "[1,2]");
    REQUIRE(open.size() == 1);
    CHECK(open[0].status == Status::queued);
    CHECK(open[0].threads == 1);
    CHECK_FALSE(open[0].ours);
    REQUIRE(one.store.claim(1, one.store.this_run(), "cpu", 3));
    open = open_trials(one.store, "[1]");
    CHECK(open.at(0).ours);
    CHECK_FALSE(open_trials(other, "[1]").at(0).ours);  // it has a lock of its own
}
