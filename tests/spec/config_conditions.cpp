// Conditional keys and combinations that are left out: [sweep.when] and [[sweep.exclude]].
#include <doctest/doctest.h>

#include <ctime>
#include <set>

#include "kernel/spec/identity.h"
#include "tests/spec/config_catalogue.h"

using namespace marginalia;

namespace conditions_testing {
namespace {

const std::string target = "name = \"two\"\nseeds = [0]\n[dataset]\nplugin = \"rows\"\nfile = \"/a.csv\"\n";
const std::string stages = target +
                           "[network]\nplugin = \"mlp\"\n[objective]\nplugin = \"rows-or-chains\"\n"
                           "[stage1.objective]\nplugin = \"likelihood\"\n";

Experiment of_sweep(const std::string& sweep, const std::vector<std::string>& overrides = {}) {
    std::vector<std::string> all = {"seeds=0"};
    all.insert(all.end(), overrides.begin(), overrides.end());
    return parse(small_experiment("[sweep]\n" + sweep), all);
}

// Of each trial the values of these keys, "4 cosine"; "-" for one that its config does not have.
std::vector<std::string> rows(const Experiment& e, const std::vector<std::pair<std::string, std::string>>& keys) {
    std::vector<std::string> all;
    for (const TrialConfig& trial : e.trials) {
        std::string row;
        for (const auto& [table, key] : keys) {
            const auto found = trial.config[table].find(key);
            const std::string text = found == trial.config[table].end() ? "-"
                                     : found->is_string()               ? found->get<std::string>()
                                                                        : found->dump();
            row += (row.empty() ? "" : " ") + text;
        }
        all.push_back(row);
        CHECK(trial.hash == split_config(trial.config).hash);
    }
    return all;
}

using Rows = std::vector<std::string>;

const std::string schedules = "\"train.schedule\" = [\"cosine\", \"constant\"]\n\"train.warmup\" = [10, 20]\n";

}  // namespace

TEST_CASE("a key with a condition is swept where that holds, and as its table says elsewhere, as one trial") {
    const std::string when = "[sweep.when]\n\"train.warmup\" = { \"train.schedule\" = \"cosine\" }\n";
    const std::vector<std::pair<std::string, std::string>> keys = {{"train", "schedule"}, {"train", "warmup"}};
    CHECK(rows(of_sweep(schedules + when), keys) == Rows{"cosine 10", "cosine 20", "constant 0"});
    CHECK(rows(of_sweep(schedules + when + "[train]\nwarmup = 7\n"), keys) ==
          Rows{"cosine 10", "cosine 20", "constant 7"});
    // Whichever of the two varies faster.
    CHECK(rows(of_sweep("\"train.warmup\" = [10, 20]\n\"train.schedule\" = [\"cosine\", \"constant\"]\n" + when),
               keys) == Rows{"cosine 10", "constant 0", "cosine 20"});
    // Keys without quotes are the same.
    CHECK(rows(of_sweep(schedules + "[sweep.when]\ntrain.warmup = { train.schedule = \"cosine\" }\n"), keys) ==
          Rows{"cosine 10", "cosine 20", "constant 0"});
}

TEST_CASE("draws that differ in a key that is not there are one trial, and the others are as without the condition") {
    const std::string draws =
        "samples = 40\ndraws = \"sobol\"\n\"train.schedule\" = { choice = [\"cosine\", \"constant\"] }\n"
        "\"train.warmup\" = { random = [1, 1000000] }\n";
    const Experiment free = of_sweep(draws);
    const Experiment bound = of_sweep(draws + "[sweep.when]\n\"train.warmup\" = { \"train.schedule\" = \"cosine\" }\n");
    REQUIRE(free.trials.size() == 40);
    CHECK(bound.trials.size() == 21);  // 20 of cosine, and one
    std::set<std::string> hashes;
    for (const TrialConfig& trial : free.trials) hashes.insert(trial.hash);
    int shared = 0;
    for (const TrialConfig& trial : bound.trials) shared += static_cast<int>(hashes.count(trial.hash));
    CHECK(shared == 20);
}

TEST_CASE("conditions may be about plugins, their parameters, bounds, several keys and keys with conditions") {
    const std::string networks =
        "\"network.plugin\" = [\"mlp\", \"lattice-conv\"]\n\"network.mlp.hidden\" = [16, 64]\n\"train.clip\" = [1, "
        "2]\n";
    const std::vector<std::pair<std::string, std::string>> keys = {
        {"network", "plugin"}, {"network", "hidden"}, {"train", "clip"}};
    CHECK(rows(of_sweep(networks + "[sweep.when]\n\"train.clip\" = { \"network.plugin\" = \"mlp\" }\n"), keys) ==
          Rows{"mlp 16 1.0", "mlp 16 2.0", "mlp 64 1.0", "mlp 64 2.0", "lattice-conv - 0.0"});
    // A key that a trial does not have fits nothing, not even its default.
    CHECK(rows(of_sweep(networks + "[sweep.when]\n\"train.clip\" = { \"network.mlp.hidden\" = { above = 16 } }\n"),
               keys) == Rows{"mlp 16 0.0", "mlp 64 1.0", "mlp 64 2.0", "lattice-conv - 0.0"});
    CHECK(rows(of_sweep(networks + "[sweep.when]\n\"train.clip\" = { \"network.plugin\" = [\"mlp\", \"lattice-conv\"], "
                                   "\"network.hidden\" = { at_least = 16, below = 64 } }\n"),
               keys) == Rows{"mlp 16 1.0", "mlp 16 2.0", "mlp 64 0.0", "lattice-conv - 0.0"});
    // train.ema depends on train.clip, which itself is there for mlp alone: 0 is its default, and no value.
    CHECK(rows(of_sweep("\"network.plugin\" = [\"mlp\", \"lattice-conv\"]\n\"train.clip\" = [0, 2]\n\"train.ema\" = "
                        "[0.5, 0.9]\n"
                        "[sweep.when]\n\"train.ema\" = { \"train.clip\" = { at_most = 1 } }\n"
                        "\"train.clip\" = { \"network.plugin\" = \"mlp\" }\n"),
               {{"network", "plugin"}, {"train", "clip"}, {"train", "ema"}}) ==
          Rows{"mlp 0.0 0.5", "mlp 0.0 0.9", "mlp 2.0 0.0", "lattice-conv 0.0 0.0"});
}

TEST_CASE("a condition may be about a key that is not swept, and holds for lists that move together") {
    const std::string sizes = "[[sweep.zip]]\n\"energy.rows\" = [4, 6]\n\"train.batch\" = [64, 32]\n";
    const std::string when = "[sweep.when]\n\"train.batch\" = { \"energy.columns\" = ";
    const std::vector<std::pair<std::string, std::string>> keys = {{"energy", "rows"}, {"train", "batch"}};
    CHECK(rows(of_sweep(sizes + when + "4 }\n"), keys) == Rows{"4 64", "6 32"});
    CHECK(rows(of_sweep(sizes + when + "5 }\n"), keys) == Rows{"4 128", "6 128"});
    CHECK(rows(of_sweep(sizes + when + "5 }\n", {"energy.columns=5"}), keys) == Rows{"4 64", "6 32"});
}

TEST_CASE("a value on the command line ends a key's sweep and its condition") {
    const std::string when = "[sweep.when]\n\"train.warmup\" = { \"train.schedule\" = \"cosine\" }\n";
    const std::vector<std::pair<std::string, std::string>> keys = {{"train", "schedule"}, {"train", "warmup"}};
    CHECK(rows(of_sweep(schedules + when, {"train.warmup=5"}), keys) == Rows{"cosine 5", "constant 5"});
    CHECK(rows(of_sweep(schedules + when, {"train.schedule=constant"}), keys) == Rows{"constant 0"});
}

TEST_CASE("what an exclude fits is left out: all of its keys must be as it says") {
    const std::string grid = "\"train.batch\" = [64, 512]\n\"train.learning_rate\" = [1e-3, 1e-2, 1e-1]\n";
    const std::vector<std::pair<std::string, std::string>> keys = {{"train", "batch"}, {"train", "learning_rate"}};
    const auto left = [&](const std::string& exclude, const std::vector<std::string>& overrides = {}) {
        return rows(of_sweep(grid + exclude, overrides), keys);
    };
    CHECK(left("[[sweep.exclude]]\n\"train.batch\" = 512\n\"train.learning_rate\" = { above = 1e-2 }\n") ==
          Rows{"64 0.001", "64 0.01", "64 0.1", "512 0.001", "512 0.01"});
    CHECK(left("[[sweep.exclude]]\n\"train.batch\" = 512\n\"train.learning_rate\" = [1e-3, 1e-1]\n") ==
          Rows{"64 0.001", "64 0.01", "64 0.1", "512 0.01"});
    CHECK(left("[[sweep.exclude]]\ntrain.batch = 512\n[[sweep.exclude]]\ntrain.learning_rate = { at_most = 1e-3 }\n") ==
          Rows{"64 0.01", "64 0.1"});
    // As elsewhere, one table may stand without the second pair of brackets.
    CHECK(left("[sweep.exclude]\ntrain.batch = 64\n") == Rows{"512 0.001", "512 0.01", "512 0.1"});
    CHECK(left("[[sweep.exclude]]\ntrain.batch = 64\ntrain.steps = 1000\n").size() == 3);  // steps is not swept
    CHECK(left("[[sweep.exclude]]\ntrain.batch = 64\ntrain.steps = 1000\n", {"train.steps=5"}).size() == 6);
}

TEST_CASE("an exclude about a plugin's parameter leaves the other plugins be") {
    const Experiment e = of_sweep(
        "\"network.plugin\" = [\"mlp\", \"lattice-conv\"]\n\"network.mlp.hidden\" = [16, 64]\n"
        "[[sweep.exclude]]\n\"network.mlp.hidden\" = { below = 100, at_least = 64 }\n");
    CHECK(rows(e, {{"network", "plugin"}, {"network", "hidden"}}) == Rows{"mlp 16", "lattice-conv -"});
    CHECK(e.warnings.empty());
    CHECK(e.left_out == 1);
}

TEST_CASE("an exclude that leaves nothing out is a warning, one that leaves nothing over a fault") {
    const std::string grid = "\"train.batch\" = [64, 512]\n";
    const Experiment e = of_sweep(grid + "[[sweep.exclude]]\n\"train.batch\" = 512\n\"train.steps\" = 5\n");
    CHECK(e.left_out == 0);
    REQUIRE(e.warnings.size() == 1);
    CHECK(e.warnings[0] ==
          "/lab/small.toml:13:1: this [[sweep.exclude]] leaves nothing out: no combination of the sweep fits it");
    CHECK_THROWS_WITH_AS(of_sweep(grid + "[[sweep.exclude]]\n\"train.batch\" = { above = 1 }\n"),
                         doctest::Contains("leaves no trial over"), Error);
}

TEST_CASE("conditions that all build on each other are judged once a trial each") {
    const char* keys[] = {"train.batch",
                          "train.steps",
                          "train.warmup",
                          "train.clip",
                          "train.weight_decay",
                          "train.log_every",
                          "train.micro_batch",
                          "train.learning_rate",
                          "train.ema",
                          "train.beta1",
                          "train.beta2",
                          "train.final_fraction",
                          "evaluation.batch",
                          "evaluation.every",
                          "evaluation.nll_samples",
                          "evaluation.pictures",
                          "evaluation.marginal_states",
                          "evaluation.ranking_groups"};
    // Each key is there where all before it are 1: judged anew for each condition, the last would take 2^17 steps.
    std::string sweep = "samples = 500\n", when = "[sweep.when]\n", before;
    for (const char* key : keys) {
        const std::string name = "\"" + std::string(key) + "\"";
        sweep += name + " = { choice = [1, 1] }\n";
        if (!before.empty()) when += name + " = {" + before + "}\n";
        before += (before.empty() ? " " : ", ") + name + " = 1 ";
    }
    const auto seconds_of = [](const std::string& text) {
        const std::clock_t start = std::clock();
        CHECK(of_sweep(text).trials.size() == 1);
        return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    };
    CHECK(seconds_of(sweep + when) < 20 * seconds_of(sweep) + 0.2);
}

TEST_CASE("a thousand excludes are enough") {
    std::string excludes;
    for (int i = 0; i <= 1000; ++i) excludes += "[[sweep.exclude]]\n\"train.batch\" = 64\n";
    CHECK_THROWS_WITH_AS(of_sweep("\"train.batch\" = [64, 512]\n" + excludes),
                         doctest::Contains("there are 1001 tables [[sweep.exclude]]; give at most 1000"), Error);
}

TEST_CASE("draws that an exclude fits are left out, and the others stay") {
    const std::string draws =
        "samples = 100\ndraws = \"latin-hypercube\"\n\"train.learning_rate\" = { random = [0.1, 1.1] }\n";
    const Experiment all = of_sweep(draws);
    const Experiment some = of_sweep(draws + "[[sweep.exclude]]\n\"train.learning_rate\" = { at_least = 0.6 }\n");
    std::set<std::string> hashes;
    for (const TrialConfig& trial : all.trials) hashes.insert(trial.hash);
    CHECK(all.trials.size() == 100);
    CHECK(std::abs(static_cast<int>(some.trials.size()) - 50) <= 14);  // one of 64 strata, two of 36
    for (const TrialConfig& trial : some.trials) {
        CHECK(trial.config["train"]["learning_rate"] < 0.6);
        CHECK(hashes.contains(trial.hash));
    }
}

TEST_CASE("the first stage of a Sobol sweep has the draws of the second, and what both can judge is left out of both") {
    const Experiment e =
        parse(stages +
              "[sweep]\nsamples = 32\ndraws = \"sobol\"\n\"network.hidden\" = { random = [1, 60000] }\n"
              "\"network.layers\" = { choice = [1, 2] }\n\"train.clip\" = { random = [0, 1] }\n"
              "\"dataset.title\" = [\"a\", \"b\"]\n"
              "[sweep.when]\n\"network.layers\" = { \"network.hidden\" = { above = 30000 } }\n"
              "[[sweep.exclude]]\n\"dataset.title\" = \"a\"\n\"network.hidden\" = { below = 30000 }\n"
              "[[sweep.exclude]]\n\"train.clip\" = { above = 0.5 }\n\"dataset.title\" = \"a\"\n");
    REQUIRE(e.stage1);
    std::set<std::string> shared, first;
    for (const TrialConfig& trial : e.trials) {
        shared.insert(trial.config["network"].dump() + trial.config["dataset"].dump());
        CHECK(trial.config["train"]["start_from"].get<std::string>().starts_with("two.stage1@"));
    }
    for (const TrialConfig& trial : e.stage1->trials)
        first.insert(trial.config["network"].dump() + trial.config["dataset"].dump());
    CHECK(std::includes(first.begin(), first.end(), shared.begin(), shared.end()));
    CHECK(first.size() == 48);  // all 32 with title b, and 16 of above 30000 with a
    CHECK(shared.size() < 48);  // clip leaves out some of those
    // The first stage's text stands on its own.
    CHECK(parse_experiment(e.stage1->toml, "/lab/two.toml", {}, fake_catalogue()).trials.size() == 48);
}

TEST_CASE("a condition that the first stage cannot judge is refused") {
    CHECK_THROWS_WITH_AS(parse(stages + "[sweep]\n\"network.hidden\" = [1, 2]\n\"train.clip\" = [0, 1]\n"
                                        "[sweep.when]\n\"network.hidden\" = { \"train.clip\" = 1 }\n"),
                         doctest::Contains("'network.hidden' varies the first stage too, so its condition cannot be "
                                           "about 'train.clip', which is the second stage's alone"),
                         Error);
}

}  // namespace conditions_testing
