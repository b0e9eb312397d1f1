#include <doctest/doctest.h>

#include <ctime>
#include <set>

#include "kernel/base/digest.h"
#include "kernel/spec/experiment.h"
#include "kernel/spec/identity.h"
#include "tests/spec/config_catalogue.h"

using namespace marginalia;

static Experiment parse_small(const std::string& more, const std::vector<std::string>& overrides = {}) {
    return parse_experiment(small_experiment(more), "small.toml", overrides, fake_catalogue());
}

// The values of one key over the trials of seed 0.
static nlohmann::json values(const Experiment& e, const std::string& table, const std::string& key) {
    nlohmann::json list = nlohmann::json::array();
    for (const TrialConfig& trial : e.trials)
        if (trial.seed == 0) list.push_back(trial.config[table].contains(key) ? trial.config[table][key] : nullptr);
    return list;
}

TEST_CASE("lists make a grid: the first key slowest, seeds innermost") {
    const Experiment e = parse_small("[sweep]\n\"train.steps\" = [30, 20]\n\"energy.coupling\" = [0.1, 1]\n");
    REQUIRE(e.trials.size() == 8);
    CHECK(e.swept == std::vector<std::string>{"train.steps", "energy.coupling"});
    CHECK(values(e, "train", "steps").dump() == "[30,30,20,20]");
    CHECK(values(e, "energy", "coupling").dump() == "[0.1,1.0,0.1,1.0]");
    CHECK(e.trials[1].seed == 1);
    CHECK(e.trials[1].config == e.trials[0].config);
    for (const TrialConfig& trial : e.trials) CHECK(trial.hash == split_config(trial.config).hash);
}

TEST_CASE("nested and dotted keys are the same sweep") {
    const Experiment quoted = parse_small("[sweep]\n\"train.steps\" = [1, 2]\n\"network.mlp.hidden\" = [3, 4]\n");
    const Experiment nested = parse_small("[sweep]\ntrain.steps = [1, 2]\nnetwork.mlp.hidden = [3, 4]\n");
    REQUIRE(quoted.trials.size() == 8);
    for (std::size_t i = 0; i < 8; ++i) CHECK(nested.trials[i].hash == quoted.trials[i].hash);
    CHECK(quoted.swept == std::vector<std::string>{"train.steps", "network.hidden"});
}

TEST_CASE("ranges hold both ends and tidy values; integers are rounded and not repeated") {
    CHECK(values(parse_small("[sweep]\n\"train.learning_rate\" = { log = [1e-4, 1e-1], n = 4 }\n"), "train",
                 "learning_rate")
              .dump() == "[0.0001,0.001,0.01,0.1]");
    CHECK(values(parse_small("[sweep]\n\"train.clip\" = { lin = [0, 1], n = 11 }\n"), "train", "clip").dump() ==
          "[0.0,0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9,1.0]");
    CHECK(values(parse_small("[sweep]\n\"train.steps\" = { lin = [1, 3], n = 7 }\n"), "train", "steps").dump() ==
          "[1,2,3]");
    CHECK(values(parse_small("[sweep]\n\"train.steps\" = { log = [1, 1000], n = 4 }\n"), "train", "steps").dump() ==
          "[1,10,100,1000]");
    CHECK(values(parse_small("[sweep]\n\"train.steps\" = { lin = [5, 9], n = 1 }\n"), "train", "steps").dump() ==
          "[5]");
}

TEST_CASE("bounds of whole numbers that a range would change are refused") {
    const auto faults = [](const std::string& sweep) {
        try {
            parse_small("[sweep]\n" + sweep + "\n");
        } catch (const std::exception& error) {
            return std::string(error.what());
        }
        return std::string();
    };
    CHECK(faults("samples = 9\n\"network.layers\" = { random = [0.5, 2.5] }")
              .find("of which whole numbers are drawn, must be one, not the number 0.5") != std::string::npos);
    CHECK(faults("\"train.steps\" = { lin = [1, 9007199254740993], n = 2 }").find("must be below 2^53") !=
          std::string::npos);
    CHECK(faults("samples = 9\n\"network.layers\" = { random = [1.0, 2.0] }").empty());
}

TEST_CASE("zipped lists move together and cross the grid") {
    const Experiment e = parse_small(
        "[sweep]\n\"train.clip\" = [0, 1]\n[[sweep.zip]]\n\"energy.rows\" = [4, 6]\n\"train.batch\" = [64, 32]\n");
    CHECK(values(e, "energy", "rows").dump() == "[4,6,4,6]");
    CHECK(values(e, "train", "batch").dump() == "[64,32,64,32]");
    CHECK(values(e, "train", "clip").dump() == "[0.0,0.0,1.0,1.0]");
}

TEST_CASE("draws depend on the seed and on their own key only") {
    const std::string rate = "\"train.learning_rate\" = { random_log = [1e-4, 1e-2] }\n";
    const std::string clip = "\"train.clip\" = { random = [1, 2] }\n\"network.layers\" = { random = [1, 3] }\n";
    const std::string choice = "\"train.schedule\" = { choice = [\"cosine\", \"constant\"] }\n";
    const Experiment e = parse_small("[sweep]\nsamples = 200\n" + rate + clip + choice);
    CHECK(values(e, "train", "learning_rate") ==
          values(parse_small("[sweep]\nsamples = 200\n" + rate), "train", "learning_rate"));
    CHECK(values(e, "train", "learning_rate") !=
          values(parse_small("[sweep]\nsamples = 200\nseed = 1\n" + rate), "train", "learning_rate"));
    REQUIRE(e.trials.size() == 400);
    CHECK(e.swept.size() == 4);
    std::map<std::string, int> seen;
    double log_sum = 0;
    for (const auto& trial : e.trials) {
        const auto& train = trial.config["train"];
        CHECK((train["clip"] >= 1.0 && train["clip"] <= 2.0));
        CHECK((train["learning_rate"] >= 1e-4 && train["learning_rate"] <= 1e-2));
        log_sum += std::log10(train["learning_rate"].get<double>()) / 400;
        ++seen[train["schedule"]];
        ++seen[trial.config["network"]["layers"].dump()];
    }
    // Uniform in the exponent: mean -3, standard error 2 / sqrt(12 * 200) = 0.041; three sigma.
    CHECK(log_sum == doctest::Approx(-3).epsilon(0.041));
    // 200 draws at 1/3 and 1/2, counted for both seeds: within four sigma of 133 and 200.
    for (const char* layers : {"1", "2", "3"}) CHECK(std::abs(seen[layers] - 133) < 54);
    CHECK(std::abs(seen["cosine"] - 200) < 57);
}

TEST_CASE("a sweep over plugins gives each its own parameters and merges what is equal") {
    const Experiment e = parse_small(
        "[sweep]\n\"network.plugin\" = [\"mlp\", \"lattice-conv\"]\n\"network.mlp.hidden\" = [16, 32]\n"
        "\"network.layers\" = [1, 2]\n");
    CHECK(values(e, "network", "plugin").dump() == R"(["mlp","mlp","mlp","mlp","lattice-conv","lattice-conv"])");
    CHECK(values(e, "network", "hidden").dump() == "[16,16,32,32,null,null]");
    CHECK(values(e, "network", "channels").dump() == "[null,null,null,null,32,32]");
    CHECK(values(e, "network", "layers").dump() == "[1,2,1,2,1,2]");
    CHECK(e.swept == std::vector<std::string>{"network.plugin", "network.hidden", "network.layers"});
}

TEST_CASE("a required parameter may come from the sweep, and one value is not varied") {
    const std::string text =
        "name = \"s\"\n[energy]\nplugin = \"ising\"\ncolumns = 2\n[network]\nplugin = \"mlp\"\n"
        "[objective]\nplugin = \"mam-energy\"\n[sweep]\n\"energy.rows\" = [3, 5]\n\"train.batch\" = [64]\n";
    const Experiment e = parse_experiment(text, "s.toml", {}, fake_catalogue());
    CHECK(values(e, "energy", "rows").dump() == "[3,5]");
    CHECK(e.swept == std::vector<std::string>{"energy.rows"});
}

TEST_CASE("trials that are equal after expansion are one") {
    CHECK(parse_small("[sweep]\n\"train.steps\" = [5, 6, 5]\n").trials.size() == 4);
    CHECK(parse_small("[sweep]\nsamples = 50\n\"network.layers\" = { random = [1, 3] }\n").trials.size() == 6);
}

TEST_CASE("a grid of 10,000 trials is read and expanded in a few times what writing and hashing them takes") {
    const std::string sweep =
        "[sweep]\n\"train.learning_rate\" = { log = [1e-5, 1e-1], n = 100 }\n"
        "\"network.hidden\" = { lin = [1, 100], n = 100 }\n";
    const PluginCatalogue catalogue = fake_catalogue();
    // Of this process alone, and against work that any expansion has to do: machines and their loads differ.
    const auto time_of = [](const auto& work) {
        const std::clock_t start = std::clock();
        work();
        return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    };
    double best = 1e9, floor = 1e9;
    for (int repeat = 0; repeat < 3; ++repeat) {
        Experiment e;
        best = std::min(
            best, time_of([&] { e = parse_experiment(small_experiment(sweep), "s.toml", {"seeds=0"}, catalogue); }));
        REQUIRE(e.trials.size() == 10000);
        std::set<std::string> hashes;
        floor = std::min(floor, time_of([&] {
                             for (const auto& trial : e.trials)
                                 hashes.insert(sha256_hex(trial.config.dump()).substr(0, 16));
                         }));
        CHECK(hashes.size() == 10000);
        CHECK(e.trials.back().hash == split_config(e.trials.back().config).hash);
    }
    MESSAGE("10,000 trials in " << best << " s, " << best / floor << " times what writing and hashing them takes");
    CHECK(best < 3 * floor);
}

TEST_CASE("what trials ask of devices can be swept, and is no part of them") {
    const std::string sizes = "[[sweep.zip]]\n\"train.steps\" = [30, 20]\n\"resources.memory\" = [\"6GB\", \"2GB\"]\n";
    const Experiment e = parse_small("[resources]\ncores = 2\n" + sizes);
    REQUIRE(e.trials.size() == 4);
    CHECK(e.trials[0].resources.memory == "6GB");
    CHECK(e.trials[3].resources.memory == "2GB");
    CHECK(e.trials[3].resources.cores == 2);
    CHECK_FALSE(e.trials[0].config.contains("resources"));
    const Experiment plain = parse_small("[sweep]\n\"train.steps\" = [30, 20]\n");
    for (std::size_t i = 0; i < 4; ++i) CHECK(e.trials[i].hash == plain.trials[i].hash);
    CHECK(parse_small("[sweep]\n\"resources.memory\" = [\"6GB\", \"2GB\"]\n").trials.size() == 2);  // seeds
    CHECK_THROWS_WITH_AS(parse_small("[resources]\nmemory = \"6\"\n"),
                         doctest::Contains("'resources.memory' cannot be \"6\"; give a number with kB"), Error);
}
