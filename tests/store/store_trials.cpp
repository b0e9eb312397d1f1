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
    for (const auto status : {Status::done, Status::failed, Status::timeout, Status::oom, Status::pruned,
                              Status::cancelled, Status::paused}) {
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
    for (const auto* name : {"queued", "running", "done", "failed", "timeout", "oom", "preempted", "lost", "pruned",
                             "cancelled", "paused"})
        CHECK(name_of(status_named(name)) == name);
    CHECK(refusal([] { status_named("dead"); }).sentence ==
          "there is no status 'dead'; a trial is one of queued, running, done, failed, timeout, oom, preempted, lost, "
          "pruned, cancelled, paused");
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

TEST_CASE("a new trial is given the work of another: all of it, or what there is to go on from") {
    TemporaryFolder folder;
    auto store = Store::open(folder / "a.db");
    const Trial first = store.enqueue(plan("one", 1)).front();
    REQUIRE(store.claim(first.id, this_process(), "cpu", 3));
    const std::vector<MetricPoint> points = {{"loss", 1, 0.5, *first.created + 1},
                                             {"loss", 2, 0.25, *first.created + 2}};
    store.add_metrics(first.id, points);
    store.add_checkpoint(first.id, 1, "older", {.newest = 2});
    store.add_checkpoint(first.id, 2, "newest", {.newest = 2});
    store.add_sample(first.id, "states", 2, "text", "0 1");
    store.set_final_metric(first.id, "kl", 0.125);
    store.set_status(first.id, Status::done);

    auto other = plan("other", 2);
    for (auto& trial : other.trials) trial.source = {first.id, true, "trial 1"};
    other.trials[1].source.whole = false;
    const auto given = store.enqueue(other);
    CHECK(given[0].experiment == "other");
    CHECK(given[0].status == Status::done);
    CHECK(given[0].sweep == first.sweep);  // under which it was made
    CHECK(given[1].status == Status::queued);
    CHECK(given[1].attempts == 0);
    CHECK(given[1].sweep != first.sweep);
    const TrialDetails whole = trial_details(store, given[0].id), part = trial_details(store, given[1].id);
    CHECK(whole.threads == 3);
    CHECK(part.threads == 3);
    REQUIRE(whole.final_metrics.size() == 1);
    CHECK(whole.final_metrics[0].value == 0.125);
    CHECK(part.final_metrics.empty());
    CHECK(whole.checkpoints.size() == 2);
    REQUIRE(part.checkpoints.size() == 1);
    for (const auto& details : {whole, part}) {
        const auto curve = metric_curve(store, details.trial.id, "loss");
        REQUIRE(curve.size() == 2);
        CHECK(curve[1].value == 0.25);
        CHECK(curve[1].time == doctest::Approx(*first.created + 2).epsilon(1e-12));
        CHECK(store.newest_checkpoint(details.trial.id) == "newest");
        CHECK(samples_of(store, details.trial.id, "source").at(0).data == "trial 1");
    }
    CHECK(samples_of(store, whole.trial.id, "states").size() == 1);
    CHECK(samples_of(store, part.trial.id, "states").empty());
    // Each is its own from now on, and what is there already is given nothing.
    store.forget_after(first.id, -1);
    CHECK(store.checkpoint_at(given[0].id, 1) == "older");
    CHECK(store.enqueue(other)[0].id == given[0].id);
    CHECK(number_of(store, "SELECT count(*) FROM trial") == 3);
    const auto damage = find_damage(store);
    CHECK_MESSAGE(damage.empty(), (damage.empty() ? "" : damage.front()));
}

namespace {

PlannedSweep evaluated(const std::string& samples) {
    auto sweep = plan("one", 1);
    sweep.trials[0].evaluation = R"({"evaluation":{"samples":)" + samples + "}}";
    sweep.trials[0].evaluation_hash = "samples-" + samples;
    return sweep;
}

}  // namespace

TEST_CASE(
    "a trial is trained, then evaluated; each evaluation keeps its figures, and the one asked for last is shown") {
    TemporaryFolder folder;
    auto store = Store::open(folder / "a.db");
    const auto value = [&] { return number_of(store, "SELECT value FROM final_metrics WHERE name = 'kl'"); };
    const auto trial = store.enqueue(evaluated("10")).front().id;
    const auto owner = this_process();
    REQUIRE(store.claim(trial, owner, "cpu", 1));
    store.add_checkpoint(trial, 5, "weights", {});
    store.set_final_metric(trial, "train_seconds", 7);
    store.set_status(trial, Status::done);
    CHECK(store.find(trial)->status == Status::queued);
    CHECK(store.find(trial)->trained);
    CHECK_FALSE(store.find(trial)->evaluated);

    REQUIRE(store.claim(trial, owner, "cpu", 1));
    CHECK(text_of(store, "SELECT status FROM evaluations") == "running");
    store.set_final_metric(trial, "kl", 0.5);
    store.add_checkpoint(trial, 5, "stages", {});  // of the evaluation
    store.set_status(trial, Status::preempted);
    CHECK(store.newest_checkpoint(trial) == "weights");
    const auto state = store.find_evaluation_state(trial);
    REQUIRE(state);
    CHECK(store.checkpoint_piece(*state, 0) == "stages");
    CHECK(text_of(store, "SELECT status FROM evaluations") == "preempted");

    REQUIRE(store.claim(trial, owner, "cpu", 1));
    store.set_status(trial, Status::done);
    CHECK(store.find(trial)->status == Status::done);
    CHECK(store.find(trial)->evaluated);
    CHECK_FALSE(store.find_evaluation_state(trial));
    CHECK(number_of(store, "SELECT count(*) FROM checkpoint_piece") == 1);
    CHECK(store.find(trial)->attempts == 1);

    const auto other = store.enqueue(evaluated("20")).front();
    CHECK(other.id == trial);
    CHECK(other.status == Status::queued);
    CHECK(number_of(store, "SELECT count(*) FROM final_metrics") == 1);  // the training's
    REQUIRE(store.claim(trial, owner, "cpu", 1));
    CHECK(store.enqueue(evaluated("10")).front().status == Status::running);  // and it is left as it is
    store.set_final_metric(trial, "kl", 0.25);
    store.set_status(trial, Status::failed, "no more");
    CHECK(text_of(store, "SELECT error FROM evaluations WHERE shown") == "no more");
    CHECK(value() == 0.25);

    CHECK(store.enqueue(evaluated("10")).front().status == Status::done);
    CHECK(value() == 0.5);
    CHECK(store.find(trial)->error.empty());
    CHECK(number_of(store, "SELECT config ->> '$.evaluation.samples' FROM trials") == 10);
    CHECK(number_of(store, "SELECT count(*) FROM evaluation_metrics") == 2);

    store.forget_after(trial, -1);
    CHECK_FALSE(store.find(trial)->trained);
    CHECK(number_of(store, "SELECT count(*) FROM evaluation_metrics") == 0);
    CHECK(number_of(store, "SELECT count(*) FROM final_metrics") == 0);
}
