// Which finished trial gives another one its network, and which trials others need.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "kernel/host/run/start_from.h"
#include "kernel/host/run/work_list.h"
#include "store/store.h"

namespace marginalia {
namespace engine_start_from {

namespace fs = std::filesystem;

// A store of the experiment "first", seeds 0 and 1, of which the second has the lower kl.
class Place {
public:
    Place() : folder_(made_folder()), store(store::Store::open(folder_ / "s.db")) {
        for (const store::TrialId trial : plan("first", "", 2)) finish(trial, trial == 1 ? 0.3 : 0.1);
    }
    ~Place() { fs::remove_all(folder_); }

    std::vector<store::TrialId> plan(const std::string& experiment, const std::string& start_from, int seeds) {
        store::PlannedSweep sweep{experiment, "", experiment + ".toml", "", "{}", {}};
        const std::string config =
            fmt::format(R"({{"train":{{"start_from":"{}","steps":{}}}}})", start_from, ++configs_);
        for (int seed = 0; seed < seeds; ++seed)
            sweep.trials.push_back({config, fmt::format("{:04x}beefbeefbeef", configs_), seed});
        std::vector<store::TrialId> trials;
        for (const store::Trial& trial : store.enqueue(sweep)) trials.push_back(trial.id);
        return trials;
    }

    void finish(store::TrialId trial, double kl) {
        REQUIRE(store.claim(trial, store.this_run(), "cpu", 1));
        store.add_checkpoint(trial, 10, "weights", {});
        store.set_final_metric(trial, "kl", kl);
        store.set_status(trial, store::Status::done);
    }

    std::string needs(const std::vector<store::TrialId>& trials) {
        std::string text;
        for (const Need& need : needs_of_others(store, trials))
            text += fmt::format("{} by {}{};", need.trial, need.by, need.is_to_start ? " to start" : "");
        return text;
    }

private:
    static fs::path made_folder() {
        std::string name = (fs::temp_directory_path() / "marginalia-start-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) std::abort();
        return name;
    }

    fs::path folder_;
    int configs_ = 0;

public:
    store::Store store;
};

TEST_CASE("the network is that of the same seed, else that of the lowest kl") {
    Place place;
    CHECK(find_network(place.store, "first", 0, "")->trial == 1);
    CHECK(find_network(place.store, "first", 1, "")->trial == 2);
    CHECK(find_network(place.store, "first", 7, "")->trial == 2);
    CHECK(find_network(place.store, "first@0001beefbeefbeef", 0, "")->trial == 1);
    CHECK(!find_network(place.store, "first@0001beefbeefbeef", 7, ""));
    CHECK(!find_network(place.store, "other", 0, ""));
}

TEST_CASE("of an experiment of several energies the network is that of the trial's own") {
    Place place;
    const auto config = [](const char* energy) { return nlohmann::json{{"energy", {{"plugin", energy}}}}; };
    store::PlannedSweep sweep{"both", "", "both.toml", "", "{}", {}};
    for (const char* energy : {"ising", "potts"})
        sweep.trials.push_back({config(energy).dump(), fmt::format("{}beefbeef", energy), 0});
    const std::vector<store::Trial> trials = place.store.enqueue(sweep);
    place.finish(trials[0].id, 0.1);
    place.finish(trials[1].id, 5);
    for (const std::int64_t seed : {0, 7}) {
        CHECK(find_network(place.store, "both", seed, target_of(config("ising")))->trial == trials[0].id);
        CHECK(find_network(place.store, "both", seed, target_of(config("potts")))->trial == trials[1].id);
        CHECK(!find_network(place.store, "both", seed, target_of(config("rbm"))));
    }
    CHECK(find_network(place.store, "first", 7, target_of(config("rbm")))->trial == 2);  // it has one energy
}

TEST_CASE("a metric that comes later does not choose, though its best of all is of the trial's own energy") {
    Place place;
    const auto config = [](const char* energy) { return nlohmann::json{{"energy", {{"plugin", energy}}}}; };
    store::PlannedSweep sweep{"both", "", "both.toml", "", "{}", {}};
    sweep.trials = {{config("ising").dump(), "aaaabeef", 0},
                    {config("potts").dump(), "bbbbbeef", 0},
                    {config("potts").dump() + " ", "ccccbeef", 0}};
    const std::vector<store::Trial> trials = place.store.enqueue(sweep);
    for (std::size_t i = 0; i < 3; ++i) {
        place.store.set_final_metric(trials[i].id, "nll_bits", 3.0 - static_cast<double>(i));
        place.finish(trials[i].id, 0.1 + static_cast<double>(i));
    }
    CHECK(find_network(place.store, "both", 7, target_of(config("potts")))->trial == trials[1].id);
}

TEST_CASE("a trial is needed by those that are to start from it") {
    Place place;
    CHECK(place.needs({1, 2}).empty());  // by nobody yet
    REQUIRE(place.plan("second", "first", 1) == std::vector<store::TrialId>{3});
    CHECK(place.needs({1}) == "1 by 3 to start;");  // of the same seed, although the other would do
    CHECK(place.needs({2}).empty());
    CHECK(place.needs({1, 2, 3}).empty());  // it goes as well
    CHECK(place.needs({3}).empty());
    REQUIRE(place.plan("third", "first", 3).size() == 3);
    CHECK(place.needs({2}) == "2 by 5 to start;2 by 6 to start;");  // seed 1, and seed 2 by the lowest kl
}

TEST_CASE("of what a finished trial started from, the last one is needed") {
    Place place;
    place.plan("second", "first", 1);
    place.finish(3, 0.5);
    CHECK(place.needs({1}).empty());  // its file could start from the other
    CHECK(place.needs({1, 2}) == "1 by 3;");
    place.plan("two-stages", "first@0001beefbeefbeef", 1);
    place.finish(4, 0.5);
    CHECK(place.needs({1}) == "1 by 4;");  // nothing else is its first stage
    CHECK(place.needs({2}).empty());
}

}  // namespace engine_start_from
}  // namespace marginalia
