// Tables that a trial may go without, and [reference], whose plugin is of another kind than its name.
#include <doctest/doctest.h>

#include <set>

#include "kernel/spec/experiment.h"
#include "tests/spec/config_catalogue.h"

using namespace marginalia;

static const std::string gibbs = "[sampler]\nplugin = \"block-gibbs\"\nsites = 3\n";
static const std::string reference = "[reference]\nplugin = \"tempering\"\n";

TEST_CASE("[reference] names a sampler") {
    CHECK(kind_of_table("reference") == "sampler");
    CHECK(kind_of_table("energy") == "energy");
    const TrialConfig with = parse(small_experiment(reference)).trials[0];
    CHECK(with.config["reference"].dump() == R"({"plugin":"tempering","rungs":8})");
    const TrialConfig without = parse(small_experiment()).trials[0];
    CHECK(with.hash == without.hash);  // it does not shape the weights
    CHECK(with.evaluation_hash != without.evaluation_hash);
    CHECK_FALSE(parse(small_experiment(gibbs)).trials[0].config.contains("reference"));
    const TrialConfig changed = parse(small_experiment(reference), {"reference.rungs=4"}).trials[0];
    CHECK(changed.config["reference"]["rungs"] == 4);
    CHECK(changed.evaluation_hash != with.evaluation_hash);
    const TrialConfig again = parse(to_toml("again", changed.config, 0)).trials[0];
    CHECK(again.hash == changed.hash);
    CHECK(again.evaluation_hash == changed.evaluation_hash);
    CHECK(parse(small_experiment(gibbs + reference), {"~reference"}).trials[0].hash ==
          parse(small_experiment(gibbs)).trials[0].hash);
}

TEST_CASE("[reference] is swept like the others, by plugin too") {
    const Experiment e =
        parse(small_experiment(
                  "[reference.tempering]\nrungs = 5\n[sweep]\n\"reference.plugin\" = [\"tempering\", \"heat-bath\"]\n"
                  "\"reference.heat-bath.sites\" = [1, 2]\n"),
              {"seeds=0"});
    REQUIRE(e.trials.size() == 3);
    CHECK(e.trials[0].config["reference"].dump() == R"({"plugin":"tempering","rungs":5})");
    CHECK(e.trials[1].config["reference"].dump() == R"({"plugin":"heat-bath","sites":1})");
    CHECK(e.trials[2].config["reference"].dump() == R"({"plugin":"heat-bath","sites":2})");
    CHECK(parse(small_experiment("[reference]\nplugin = \"heat-bath\"\n[sweep]\nreference.sites = [4, 5]\n"))
              .trials[2]
              .config["reference"]["sites"] == 5);
}

TEST_CASE("without a plugin the trial has no such table") {
    const std::string hash = parse(small_experiment()).trials[0].hash;
    CHECK(parse(small_experiment("[sampler]\nplugin = \"none\"\n")).trials[0].hash == hash);
    CHECK(parse(small_experiment("[sampler]\nplugin = \"none\"\nsites = 3\n[sweep]\nsampler.sites = [1, 2]\n"))
              .trials.size() == 2);
    CHECK(parse(small_experiment(gibbs + reference), {"sampler.plugin=none", "reference.plugin=none"}).trials[0].hash ==
          hash);
    CHECK(parse(small_experiment(), {"sampler.plugin=none"}).trials[0].hash == hash);
}

TEST_CASE("a sweep may hold trials with a sampler and trials without") {
    const Experiment e = parse(small_experiment(gibbs + "[sweep]\n\"sampler.plugin\" = [\"block-gibbs\", \"none\"]\n"
                                                        "\"sampler.sites\" = [1, 2]\n"),
                               {"seeds=0"});
    REQUIRE(e.trials.size() == 3);  // those without are one trial
    CHECK(e.trials[0].config["sampler"]["sites"] == 1);
    CHECK(e.trials[1].config["sampler"]["sites"] == 2);
    CHECK_FALSE(e.trials[2].config.contains("sampler"));
    CHECK(e.trials[2].hash == parse(small_experiment()).trials[0].hash);
    std::set<std::string> hashes;
    for (const TrialConfig& trial : parse(small_experiment(gibbs), {"sampler.plugin=none,block-gibbs"}).trials)
        hashes.insert(trial.hash);
    CHECK(hashes.size() == 2);
}

TEST_CASE("methods that need a sampler and methods that need none stand in one zip") {
    const std::string zip =
        "[sampler]\nplugin = \"none\"\n[[sweep.zip]]\n\"objective.plugin\" = [\"mam-energy\", \"reinforce\"]\n"
        "\"sampler.plugin\" = [\"none\", \"block-gibbs\"]\n";
    const Experiment e = parse(small_experiment(zip), {"seeds=0"});
    REQUIRE(e.trials.size() == 2);
    CHECK_FALSE(e.trials[0].config.contains("sampler"));
    CHECK(e.trials[1].config["sampler"]["plugin"] == "block-gibbs");
}

TEST_CASE("objectives have samplers of the kind they learn from, each in its trials of a zip") {
    const std::string sampler = "[sampler]\nplugin = \"block-gibbs\"\n";
    CHECK_NOTHROW(parse(small_experiment(sampler), {"objective.plugin=policy"}));
    CHECK_NOTHROW(parse(small_experiment(sampler), {"objective.plugin=reinforce"}));
    CHECK_NOTHROW(parse(small_experiment(sampler), {"objective.plugin=reinforce", "sampler.plugin=heat-bath"}));
    const Experiment e = parse(small_experiment("[[sweep.zip]]\n\"objective.plugin\" = [\"policy\", \"matching\", "
                                                "\"rows-or-chains\"]\n\"sampler.plugin\" = [\"block-gibbs\", "
                                                "\"heat-bath\", \"tempering\"]\n[sampler]\n"),
                               {"seeds=0"});
    CHECK(e.trials.size() == 3);
    CHECK_NOTHROW(
        parse_experiment("name = \"d\"\n[dataset]\nplugin = \"rows\"\nfile = \"a.csv\"\n[network]\nplugin = "
                         "\"mlp\"\n[objective]\nplugin = \"rows-or-chains\"\n",
                         "/lab/d.toml", {}, fake_catalogue()));
}
