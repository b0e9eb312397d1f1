#include <atomic>
#include <csignal>
#include <thread>

#include "store/queries.h"
#include "tests/store/store_testing.h"

using namespace marginalia::store;

TEST_CASE("a sweep queued again finds its trials and adds what is new") {
    TemporaryFolder folder;
    auto store = Store::open(folder / "a.db");
    const auto first = store.enqueue(plan("one", 3, 2));
    REQUIRE(first.size() == 6);
    CHECK(first[0].status == Status::queued);
    CHECK(first[0].checkpoint_step == -1);
    store.set_status(first[1].id, Status::done);
    const auto second = store.enqueue(plan("one", 4, 2));
    REQUIRE(second.size() == 8);
    for (std::size_t i = 0; i < first.size(); ++i) CHECK(second[i].id == first[i].id);
    CHECK(second[1].status == Status::done);
    CHECK(second[1].sweep == first[1].sweep);
    CHECK(second[0].sweep == second[7].sweep);
    CHECK(second[7].config == plan("one", 4, 2).trials[7].config);
    CHECK(store.enqueue(plan("other", 3, 2))[0].id > second[7].id);
    CHECK(sweep_ids(store, "one").size() == 2);
    CHECK(list_trials(store, {.experiment = {}, .statuses = {}, .sweep = first[0].sweep}).size() == 6);
    CHECK(number_of(store, "SELECT count(*) FROM provenance") == 1);
    CHECK(number_of(store, "SELECT count(*) FROM config") == 4);
}

TEST_CASE("a trial is claimed by one of many") {
    TemporaryFolder folder;
    const auto file = folder / "a.db";
    std::vector<Trial> trials;
    {
        auto store = Store::open(file);
        trials = store.enqueue(plan("one", 50));
    }
    std::atomic<int> claimed = 0;
    std::vector<std::thread> rivals;
    for (int i = 0; i < 4; ++i)
        rivals.emplace_back([&] {
            auto store = Store::open(file);
            for (const auto& trial : trials) claimed += store.claim(trial.id, this_process(), "cpu", 1) ? 1 : 0;
        });
    for (auto& rival : rivals) rival.join();
    CHECK(claimed == 50);
    auto store = Store::open_to_read(file);
    CHECK(number_of(store, "SELECT sum(attempts) FROM trials WHERE status = 'running'") == 50);
}

TEST_CASE("only queued, preempted and lost trials can be claimed") {
    TemporaryFolder folder;
    auto store = Store::open(folder / "a.db");
    const auto trial = store.enqueue(plan("one", 1)).front().id;
    const auto me = this_process();
    for (const auto status : {Status::queued, Status::preempted, Status::lost}) {
        store.set_status(trial, status);
        CHECK(store.claim(trial, me, "cpu", 2));
        CHECK_FALSE(store.claim(trial, me, "cpu", 2));
    }
    for (const auto status :
         {Status::done, Status::failed, Status::timeout, Status::oom, Status::pruned, Status::cancelled}) {
        store.set_status(trial, status);
        CHECK_FALSE(store.claim(trial, me, "cpu", 2));
    }
    CHECK_FALSE(store.claim(12345, me, "cpu", 2));
}

TEST_CASE("a trial's times, error and attempts follow its life") {
    TemporaryFolder folder;
    auto store = Store::open(folder / "a.db");
    const auto id = store.enqueue(plan("one", 1)).front().id;
    CHECK_FALSE(store.find(id)->started);
    REQUIRE(store.claim(id, this_process(), "cuda:1", 4));
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    store.set_status(id, Status::failed, "energy 'ising': rows must be positive");
    auto trial = *store.find(id);
    CHECK(trial.status == Status::failed);
    CHECK(trial.device == "cuda:1");
    CHECK(trial.host == this_process().host);
    CHECK(trial.error == "energy 'ising': rows must be positive");
    CHECK(trial.seconds >= 0.03);
    CHECK(*trial.finished >= *trial.started);
    store.requeue(id);
    trial = *store.find(id);
    CHECK(trial.status == Status::queued);
    CHECK(trial.error.empty());
    CHECK_FALSE(trial.started);
    CHECK_FALSE(trial.finished);
    CHECK(trial.attempts == 1);
    REQUIRE(store.claim(id, this_process(), "cpu", 1));
    store.requeue(id);
    CHECK(store.find(id)->status == Status::running);
    CHECK(trial_details(store, id).threads == 1);
    CHECK_FALSE(store.find(id + 1));
    CHECK(refusal([&] { store.set_status(77, Status::done); }).sentence ==
          fmt::format("there is no trial 77 in store {}; see: marginalia list", store.file().string()));
}

TEST_CASE("an error of megabytes is kept to 4,000 bytes, cut between characters") {
    TemporaryFolder folder;
    auto store = Store::open(folder / "s.db");
    const auto id = store.enqueue(plan("one", 1)).front().id;
    std::string text;
    while (text.size() < 20'000'000) text += "ü∞";
    store.set_status(id, Status::failed, text);
    const std::string kept = store.find(id)->error;
    CHECK(kept.size() <= 4000);
    CHECK(kept.size() > 3900);
    CHECK(kept.starts_with("ü∞ü∞"));
    const std::size_t cut = kept.find(" ... (");
    REQUIRE(cut != kept.npos);
    CHECK(text.starts_with(kept.substr(0, cut)));
    CHECK((static_cast<unsigned char>(text[cut]) & 0xC0) != 0x80);
    CHECK(kept.ends_with(" ... (" + std::to_string(text.size() - cut) + " more bytes)"));
    store.set_status(id, Status::failed, std::string(4000, 'x'));
    CHECK(store.find(id)->error == std::string(4000, 'x'));
}

TEST_CASE("a trial whose process was killed is lost, even while nobody has waited for it") {
    TemporaryFolder folder;
    auto store = Store::open(folder / "a.db");
    const auto trials = store.enqueue(plan("one", 2));
    REQUIRE(store.claim(trials[0].id, this_process(), "cpu", 1));
    const pid_t child = fork();
    if (child == 0) {
        for (;;) pause();
    }
    auto owner = this_process();
    owner.pid = child;
    {
        std::ifstream stat(fmt::format("/proc/{}/stat", child));
        std::string word;
        for (int i = 0; i < 22; ++i) stat >> word;
        owner.pid_start = std::stoll(word);
    }
    REQUIRE(store.claim(trials[1].id, owner, "cpu", 1));
    CHECK(store.mark_lost().empty());
    kill(child, SIGKILL);
    siginfo_t info;
    waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT);
    const auto lost = store.mark_lost();
    REQUIRE(lost.size() == 1);
    CHECK(lost[0].id == trials[1].id);
    CHECK(lost[0].status == Status::lost);
    CHECK(lost[0].error == fmt::format("process {}, which ran it, is gone", child));
    CHECK(store.find(trials[0].id)->status == Status::running);
    waitpid(child, nullptr, 0);
}

TEST_CASE("statuses have the names of the documentation") {
    for (const auto* name :
         {"queued", "running", "done", "failed", "timeout", "oom", "preempted", "lost", "pruned", "cancelled"})
        CHECK(name_of(status_named(name)) == name);
    CHECK(refusal([] { status_named("dead"); }).sentence ==
          "there is no status 'dead'; a trial is one of queued, running, done, failed, timeout, oom, preempted, lost, "
          "pruned, cancelled");
}

TEST_CASE("an inner transaction that throws undoes its own work only") {
    TemporaryFolder folder;
    auto store = Store::open(folder / "a.db");
    const auto trial = store.enqueue(plan("one", 1)).front().id;
    store.transaction([&] {
        store.set_final_metric(trial, "kept", 1);
        CHECK_THROWS(store.transaction([&] {
            store.set_final_metric(trial, "undone", 1);
            throw std::runtime_error("no");
        }));
        store.set_final_metric(trial, "undone-name-used-again", 2);
    });
    CHECK(text_of(store, "SELECT group_concat(name) FROM (SELECT name FROM final_metrics ORDER BY name)") ==
          "kept,undone-name-used-again");
}
