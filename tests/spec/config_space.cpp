#include <doctest/doctest.h>

#include "kernel/spec/space.h"
#include "tests/spec/config_catalogue.h"

using namespace marginalia;

TEST_CASE("the space of a sweep has every swept key as the file describes it") {
    const Experiment e = parse(small_experiment(
        "[sampler]\nplugin = \"block-gibbs\"\n"
        "[sweep]\nsamples = 3\ndraws = \"sobol\"\n"
        "\"network.plugin\" = [\"mlp\", \"lattice-conv\"]\n"
        "\"train.clip\" = { lin = [0, 1], n = 3 }\n"
        "\"train.learning_rate\" = { random_log = [1e-4, 1e-2] }\n"
        "\"network.mlp.hidden\" = { random = [32, 100], step = 32 }\n"
        "\"network.layers\" = { random = [2, 5] }\n"
        "\"train.warmup\" = { choice = [0, 100] }\n"
        "[sweep.when]\n\"train.warmup\" = { \"train.clip\" = { above = 0.5 }, \"network.plugin\" = \"mlp\" }\n"
        "[[sweep.zip]]\n\"energy.rows\" = [4, 6]\n\"energy.columns\" = [4, 6]\n"
        "[[sweep.exclude]]\n\"energy.rows\" = 6\n\"network.mlp.hidden\" = [64, 96]\n"));
    CHECK(nlohmann::json(e.space) == nlohmann::json::parse(R"({
        "parameters": [
            {"key": "network.plugin", "kind": "choice", "choices": ["mlp", "lattice-conv"]},
            {"key": "train.clip", "kind": "choice", "choices": [0.0, 0.5, 1.0]},
            {"key": "energy.rows", "kind": "choice", "choices": [4, 6], "zip": 1},
            {"key": "energy.columns", "kind": "choice", "choices": [4, 6], "zip": 1},
            {"key": "train.learning_rate", "kind": "float", "low": 1e-4, "high": 1e-2, "log": true},
            {"key": "network.mlp.hidden", "kind": "int", "low": 32, "high": 96, "step": 32,
             "condition": {"network.plugin": ["mlp"]}},
            {"key": "network.layers", "kind": "int", "low": 2, "high": 5},
            {"key": "train.warmup", "kind": "choice", "choices": [0, 100],
             "condition": {"train.clip": {"above": 0.5}, "network.plugin": ["mlp"]}}],
        "exclude": [{"energy.rows": [6], "network.mlp.hidden": [64, 96]}]})"));
}

TEST_CASE("a condition about plugins and the plugins that have the key are one list") {
    const Experiment e = parse(small_experiment(
        "[sweep]\n\"sampler.plugin\" = [\"none\", \"block-gibbs\", \"heat-bath\"]\n\"sampler.sites\" = [1, 2]\n"
        "[sampler]\nsites = 3\n[sweep.when]\n\"sampler.sites\" = { \"sampler.plugin\" = [\"none\", \"heat-bath\"] "
        "}\n"));
    CHECK(nlohmann::json(e.space)["parameters"][1]["condition"].dump() == R"({"sampler.plugin":["heat-bath"]})");
    CHECK(e.trials.size() == 8);  // none, block-gibbs with 3, heat-bath with 1 and 2; two seeds
}

TEST_CASE("a file without a sweep has an empty space") {
    CHECK(nlohmann::json(parse(small_experiment()).space).dump() == R"({"exclude":[],"parameters":[]})");
}

// What the comment of space.h promises to programs that choose trials.
TEST_CASE("a trial of the space is the file with an override for each parameter, and ~KEY for what does not apply") {
    const std::string text = small_experiment(
        "[sweep]\nsamples = 8\n\"train.learning_rate\" = { random_log = [1e-4, 1e-2] }\n"
        "\"train.schedule\" = { choice = [\"cosine\", \"constant\"] }\n\"train.warmup\" = { random = [1, 50] }\n"
        "[sweep.when]\n\"train.warmup\" = { \"train.schedule\" = \"cosine\" }\n");
    const Experiment with =
        parse(text, {"train.learning_rate=0.002", "train.schedule=cosine", "train.warmup=7", "seeds=0"});
    REQUIRE(with.trials.size() == 1);
    CHECK(with.trials[0].config["train"]["warmup"] == 7);
    const Experiment without =
        parse(text, {"train.learning_rate=0.002", "train.schedule=constant", "~train.warmup", "seeds=0"});
    REQUIRE(without.trials.size() == 1);
    CHECK(without.trials[0].config["train"]["warmup"] == 0);
    CHECK(without.space.parameters.empty());
}
