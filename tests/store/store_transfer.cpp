// Trials on their way between store files: the trash, restoring, archives; and what a kill leaves.
#include <csignal>
#include <memory>
#include <random>

#include "store/archive.h"
#include "store/transfer.h"
#include "store/trash.h"
#include "tests/store/full_trials.h"

namespace marginalia::store {
namespace store_transfer {

namespace fs = std::filesystem;
using namespace full_trials;

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

}  // namespace store_transfer
}  // namespace marginalia::store
