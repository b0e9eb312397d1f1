// Who is alive: by the process, by the lock it holds, in other pid namespaces; and that all readers say the same.
#include <sys/prctl.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <thread>

#include "store/queries.h"
#include "store/run_lock.h"
#include "tests/store/store_testing.h"

using namespace marginalia::store;

namespace {

// A child process that claims a trial as a run does and then waits to be killed.
class Run {
public:
    Run(const std::filesystem::path& file, TrialId trial, bool own_namespace = false) {
        int ready[2];
        REQUIRE(pipe(ready) == 0);
        child_ = fork();
        if (child_ == 0) act(file, trial, own_namespace, ready[1]);
        close(ready[1]);
        char word = 0;
        const bool told = read(ready[0], &word, 1) == 1;
        close(ready[0]);
        REQUIRE(told);
        REQUIRE(word == 'y');
    }
    ~Run() { end(); }
    void end() {
        if (child_ <= 0) return;
        kill(child_, SIGKILL);
        waitpid(child_, nullptr, 0);
        child_ = 0;
    }

private:
    // In a pid namespace of its own it is a grandchild, number 1 there, and dies with its parent.
    [[noreturn]] static void act(const std::filesystem::path& file, TrialId trial, bool own_namespace, int ready) {
        if (own_namespace) {
            if (unshare(CLONE_NEWPID) != 0) _exit(1);
            if (fork() != 0) {
                close(ready);
                for (;;) pause();
            }
            prctl(PR_SET_PDEATHSIG, SIGKILL);
        }
        bool good = false;
        try {
            auto store = Store::open(file);
            good = store.claim(trial, store.this_run(), "cpu", 1);
            if (write(ready, good ? "y" : "n", 1) != 1) _exit(1);
            for (;;) pause();
        } catch (const std::exception& error) {
            fmt::print(stderr, "in the child: {}\n", error.what());
        }
        _exit(1);
    }

    pid_t child_ = 0;
};

// What every way of asking says of trial 1.
std::string said_by_all(const std::filesystem::path& file) {
    auto store = Store::open_to_read(file);
    const std::string status(name_of(store.find(1)->status));
    CHECK(name_of(list_trials(store).front().status) == status);
    CHECK(list_trials(store, {.experiment = {}, .statuses = {status_named(status)}}).size() == 1);
    CHECK(list_experiments(store).front().by_status.contains(status_named(status)));
    CHECK(name_of(trial_details(store, 1).trial.status) == status);
    CHECK(std::get<std::string>(query(store, "SELECT status FROM trials").rows[0][0]) == status);
    CHECK(std::get<std::string>(
              query(store, "SELECT t.status FROM trials t JOIN sweeps s USING (sweep_id)").rows[0][0]) == status);
    return status;
}

bool may_unshare() {
    return in_child([] { return unshare(CLONE_NEWPID) == 0; });
}

// The grandchild hears of its parent's death a moment later: all are asked once one has said so.
bool is_said_within(const std::filesystem::path& file, const std::string& status) {
    for (int i = 0; i < 500; ++i) {
        if (name_of(Store::open_to_read(file).find(1)->status) == status) return said_by_all(file) == status;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return false;
}

}  // namespace

TEST_CASE("a process is known by its number, start and boot") {
    TemporaryFolder folder;
    const auto file = folder / "a.db";
    const auto me = this_process();
    CHECK(is_alive(me, file));
    auto other_start = me;
    other_start.pid_start += 1;
    CHECK_FALSE(is_alive(other_start, file));
    auto other_boot = me;
    other_boot.machine = "before" + me.machine.substr(me.machine.find('/'));
    CHECK_FALSE(is_alive(other_boot, file));
    other_boot.host = "another-machine";
    CHECK(is_alive(other_boot, file));
    auto of_before = other_start;  // as a store of an earlier version has it
    of_before.machine = me.machine.substr(0, me.machine.find('/'));
    CHECK_FALSE(is_alive(of_before, file));
}

TEST_CASE("a process of another pid namespace without a lock is never taken for dead") {
    TemporaryFolder folder;
    auto elsewhere = this_process();
    elsewhere.machine = elsewhere.machine.substr(0, elsewhere.machine.find('/')) + "/4242/";
    elsewhere.pid = 1 << 22;
    CHECK(is_alive(elsewhere, folder / "a.db"));
    elsewhere.machine += "0123456789abcdef";  // a lock that is not beside this copy
    CHECK(is_alive(elsewhere, folder / "a.db"));
    std::ofstream(folder / "a.db-run-0123456789abcdef") << "";
    CHECK_FALSE(is_alive(elsewhere, folder / "a.db"));
    elsewhere.machine = elsewhere.machine.substr(0, elsewhere.machine.size() - 16) + "../../etc/passwd";
    CHECK(is_alive(elsewhere, folder / "a.db"));
}

TEST_CASE("after kill -9 all readers say lost, and none of them writes") {
    TemporaryFolder folder;
    const auto file = folder / "a.db";
    {
        auto store = Store::open(file);
        store.enqueue(plan("one", 1));
    }
    Run run(file, 1);
    CHECK(said_by_all(file) == "running");
    CHECK(folder.files().size() == 4);  // the log, its index and the lock beside it
    run.end();
    CHECK(said_by_all(file) == "lost");
    auto reader = Store::open_to_read(file);
    CHECK(reader.find(1)->error.ends_with(", which ran it, is gone"));
    CHECK(text_of(reader, "SELECT status FROM main.trials") == "running");
    auto store = Store::open(file);
    CHECK(store.mark_lost().size() == 1);
    CHECK(std::ranges::none_of(folder.files(), [](const auto& name) { return name.find("-run-") != name.npos; }));
}

TEST_CASE("a trial of another pid namespace is not stolen while it lives, and is lost when it has died") {
    if (!may_unshare()) {
        MESSAGE("skipped: no pid namespace can be made here without privileges");
        return;
    }
    TemporaryFolder folder;
    const auto file = folder / "a.db";
    auto store = Store::open(file);
    store.enqueue(plan("one", 1));
    Run run(file, 1, true);
    CHECK(said_by_all(file) == "running");
    CHECK(store.mark_lost().empty());
    CHECK_FALSE(store.claim(1, store.this_run(), "cpu", 1));
    run.end();
    CHECK(is_said_within(file, "lost"));
    CHECK(store.mark_lost().size() == 1);
}

TEST_CASE("a run's lock goes with its store, and those of killed runs with the next") {
    TemporaryFolder folder;
    const auto file = folder / "a.db";
    {
        auto store = Store::open(file);
        store.enqueue(plan("one", 1));
        const auto me = store.this_run();
        const auto name = me.machine.substr(me.machine.rfind('/') + 1);
        CHECK(name.size() == 16);
        CHECK(store.this_run().machine == me.machine);
        CHECK(std::filesystem::exists(folder / ("a.db-run-" + name)));
        std::filesystem::create_symlink(file, folder / "other.db");
        CHECK(is_alive(me, folder / "other.db"));
        CHECK(run_lock_held(file, name) == Held::yes);
        remove_free_run_locks(file);
        CHECK(run_lock_held(file, name) == Held::yes);
        std::filesystem::remove(folder / "other.db");
    }
    CHECK(folder.files() == std::vector<std::string>{"a.db"});
    std::ofstream(folder / "a.db-run-0123456789abcdef") << "";
    std::ofstream(folder / "a.db-run-notes") << "not ours";
    CHECK(run_lock_held(file, "0123456789abcdef") == Held::no);
    remove_free_run_locks(file);
    CHECK(folder.files() == std::vector<std::string>{"a.db", "a.db-run-notes"});
}

TEST_CASE("a clock that was set back makes no time negative") {
    TemporaryFolder folder;
    auto store = Store::open(folder / "a.db");
    store.enqueue(plan("one", 1));
    REQUIRE(store.claim(1, this_process(), "cpu", 1));
    store.connection().execute(
        "UPDATE trial SET attempt_started = attempt_started + 259199014, started = started + 259199014");
    store.set_status(1, Status::done);
    CHECK(store.find(1)->seconds == 0);
    CHECK(number_of(store, "SELECT seconds FROM trials") == 0);
    store.connection().execute("UPDATE trial SET ran = -259199014");  // as an earlier version wrote it
    CHECK(store.find(1)->seconds == 0);
}

TEST_CASE("the judged view has the columns of the file's, in their order") {
    TemporaryFolder folder;
    {
        auto store = Store::open(folder / "a.db");
    }
    auto store = Store::open_to_read(folder / "a.db");
    CHECK(query(store, "SELECT * FROM trials").columns == query(store, "SELECT * FROM main.trials").columns);
    const auto table = query(store, "SELECT * FROM main.trial").columns;
    auto judged = query(store, "SELECT * FROM trial").columns;
    CHECK(judged.size() == table.size());
    for (const auto& column : table) CHECK(std::ranges::find(judged, column) != judged.end());
}
