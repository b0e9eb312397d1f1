// Two-stage experiments: [stage1].
#include <doctest/doctest.h>

#include <set>

#include "kernel/base/digest.h"
#include "kernel/spec/experiment.h"
#include "kernel/spec/identity.h"
#include "tests/spec/config_catalogue.h"

using namespace marginalia;

namespace {

const std::string first = "[stage1.objective]\nplugin = \"likelihood\"\n[stage1.train]\nsteps = 7\n";

std::string two_stages(const std::string& more = "", const std::string& stage1 = first) {
    return "name = \"two\"\nseeds = [0, 1]\n[dataset]\nplugin = \"rows\"\nfile = \"/a.csv\"\n[network]\nplugin = "
           "\"mlp\"\n"
           "[objective]\nplugin = \"rows-or-chains\"\n" +
           stage1 + more;
}

Experiment read(const std::string& text, const std::vector<std::string>& overrides = {}) {
    return parse_experiment(text, "/lab/two.toml", overrides, fake_catalogue());
}

std::string faults(const std::string& text) {
    try {
        read(text);
    } catch (const Error& error) {
        return error.what();
    }
    return "";
}

std::string start_of(const TrialConfig& trial) { return trial.config["train"]["start_from"]; }

}  // namespace

TEST_CASE("the first stage is an experiment of its own, and every trial names its trial") {
    const Experiment e = read(two_stages());
    REQUIRE(e.stage1);
    CHECK(e.stage1->name == "two.stage1");
    REQUIRE(e.stage1->trials.size() == 2);
    const TrialConfig& trial = e.stage1->trials[0];
    CHECK(trial.config["objective"]["plugin"] == "likelihood");
    CHECK(trial.config["train"]["steps"] == 7);
    CHECK(trial.config["dataset"] == e.trials[0].config["dataset"]);
    CHECK(trial.config["network"] == e.trials[0].config["network"]);
    CHECK(start_of(e.trials[0]) == "two.stage1@" + trial.hash);
    CHECK(start_of(e.trials[1]) == "two.stage1@" + trial.hash);
    CHECK(e.trials[0].hash == split_config(e.trials[0].config).hash);
    CHECK(!read(small_experiment()).stage1);
}

TEST_CASE("a sweep over the second stage shares the first, one over the network or the data does not") {
    const Experiment e = read(two_stages("[sweep]\n\"train.steps\" = [1, 2, 3]\n\"network.hidden\" = [4, 5]\n"));
    CHECK(e.trials.size() == 12);
    REQUIRE(e.stage1->trials.size() == 4);
    std::set<std::string> starts;
    for (const TrialConfig& trial : e.trials) {
        starts.insert(start_of(trial));
        bool found = false;
        for (const TrialConfig& stage1 : e.stage1->trials)
            found |= start_of(trial) == "two.stage1@" + stage1.hash && stage1.seed == trial.seed &&
                     stage1.config["network"] == trial.config["network"];
        CHECK(found);
    }
    CHECK(starts.size() == 2);
}

TEST_CASE("[stage1] objectives: the others start afresh") {
    const std::string zip =
        "[[sweep.zip]]\n\"objective.plugin\" = [\"rows-or-chains\", \"likelihood\"]\n\"network.hidden\" = [4, 9]\n";
    const std::string only = "[stage1]\nobjectives = [\"rows-or-chains\"]\n";
    const Experiment e = read(two_stages(zip, only + first));
    CHECK(e.trials.size() == 4);
    REQUIRE(e.stage1->trials.size() == 2);  // of two seeds
    for (const TrialConfig& trial : e.stage1->trials) CHECK(trial.config["network"]["hidden"] == 4);
    for (const TrialConfig& trial : e.trials)
        CHECK(start_of(trial).empty() == (trial.config["objective"]["plugin"] == "likelihood"));
    // The first stage's own file gives the same trials.
    const Experiment again = read(e.stage1->toml);
    REQUIRE(again.trials.size() == 2);
    CHECK(again.trials[0].hash == e.stage1->trials[0].hash);
    CHECK(!read(two_stages("", only + first), {"objective.plugin=likelihood"}).stage1);
    CHECK(faults(two_stages("", "[stage1]\nobjectives = \"mlp\"\n" + first))
              .find("must be a list of the second stage's objectives") != std::string::npos);
}

TEST_CASE("without a trial of its objectives there is no first stage to read") {
    const std::string only = "[stage1]\nobjectives = [\"rows-or-chains\"]\n",
                      zip = "[[sweep.zip]]\n\"objective.plugin\" = [\"likelihood\"]\n";
    for (const char* more : {"\"network.plugin\" = [\"mlp\"]\n", "\"network.hidden\" = [4]\n"}) {
        const Experiment e = read(two_stages(zip + more, only + first));
        CHECK(e.trials.size() == 2);
        CHECK(!e.stage1);
    }
}

TEST_CASE("experiments that give their first stage one name share it") {
    const Experiment one = read(two_stages(), {"stage1.name=base"}),
                     other = read(two_stages(), {"stage1.name=base", "name=longer", "train.steps=99"});
    CHECK(one.stage1->name == "base");
    CHECK(other.name == "longer");
    CHECK(other.stage1->name == "base");
    CHECK(one.stage1->trials[0].hash == other.stage1->trials[0].hash);
    CHECK(start_of(other.trials[0]) == start_of(one.trials[0]));
    CHECK(start_of(one.trials[0]) == "base@" + one.stage1->trials[0].hash);
    CHECK(one.stage1->trials[0].hash == read(two_stages()).stage1->trials[0].hash);
    CHECK(read(one.stage1->toml).name == "base");
}

TEST_CASE("lists that move together and draws keep what varies the network") {
    const Experiment zipped =
        read(two_stages("[[sweep.zip]]\n\"train.steps\" = [1, 2, 3]\n\"network.hidden\" = [4, 5, 4]\n"));
    CHECK(zipped.trials.size() == 6);
    CHECK(zipped.stage1->trials.size() == 4);
    const Experiment alone = read(two_stages("[[sweep.zip]]\n\"train.steps\" = [1, 2, 3]\n"));
    CHECK(alone.stage1->trials.size() == 2);
    const std::string samples = "[sweep]\nsamples = 5\n\"train.learning_rate\" = { random_log = [1e-4, 1e-2] }\n";
    CHECK(read(two_stages(samples)).stage1->trials.size() == 2);
    const Experiment drawn = read(two_stages(samples + "\"network.hidden\" = { random = [1, 1000] }\n"));
    CHECK(drawn.trials.size() == 10);
    CHECK(drawn.stage1->trials.size() == 10);
}

TEST_CASE("what the first stage is made of shapes the second's identity") {
    const Experiment e = read(two_stages());
    CHECK(read(two_stages(), {"stage1.train.steps=8"}).trials[0].hash != e.trials[0].hash);
    CHECK(read(two_stages(), {"train.steps=8"}).stage1->trials[0].hash == e.stage1->trials[0].hash);
    CHECK(read(two_stages(), {"stage1.objective.plugin=rows-or-chains"})
              .stage1->trials[0]
              .config["objective"]["plugin"] == "rows-or-chains");
}

TEST_CASE("the first stage's text stands on its own, and so does a trial's") {
    const Experiment e = read(two_stages("[sweep]\n\"network.hidden\" = [4, 5]\n[run]\ncores = 1\n"));
    const Experiment again = read(e.stage1->toml);
    CHECK(!again.stage1);
    CHECK(again.name == "two.stage1");
    REQUIRE(again.trials.size() == e.stage1->trials.size());
    for (std::size_t i = 0; i < again.trials.size(); ++i) CHECK(again.trials[i].hash == e.stage1->trials[i].hash);
    CHECK(again.run.cores == 1);
    CHECK(read(to_toml("two", e.trials[2].config, 0)).trials[0].hash == e.trials[2].hash);
    CHECK(read(e.toml).trials[3].hash == e.trials[3].hash);
}

TEST_CASE("faults of a first stage") {
    CHECK(faults(two_stages("", "[stage1.train]\nsteps = 3\n"))
              .find("/lab/two.toml:10:1: [stage1.objective] is missing") != std::string::npos);
    CHECK(faults(two_stages("[stage1.network]\nplugin = \"mlp\"\n")).find("unknown table [stage1.network]") !=
          std::string::npos);
    CHECK(faults(two_stages("", "[stage1]\nname = 3\n" + first))
              .find("/lab/two.toml:11:8: 'stage1.name' must be the name of an experiment") != std::string::npos);
    CHECK(faults(two_stages("", "[stage1]\nname = \"two\"\n" + first))
              .find("'stage1.name' is the name of this experiment") != std::string::npos);
    CHECK(faults(two_stages("[stage1.sweep]\n")).find("unknown table [stage1.sweep]") != std::string::npos);
    CHECK(faults(two_stages("[train]\nstart_from = \"other\"\n"))
              .find("/lab/two.toml:15:1: 'train.start_from' and [stage1] both say where the network comes from") !=
          std::string::npos);
    CHECK(faults(two_stages("[sweep]\n\"train.start_from\" = [\"a\", \"b\"]\n")).find("both say") != std::string::npos);
    CHECK(faults(two_stages("", "[stage1.objective]\nplugin = \"matching\"\n"))
              .find("/lab/two.toml:11:10: objective 'matching' needs an [energy]") != std::string::npos);
    CHECK(faults(two_stages("", first + "stepz = 3\n"))
              .find("/lab/two.toml:14:1: unknown key 'stepz' in [train]; did you mean 'steps'?") != std::string::npos);
    CHECK(faults(two_stages("[sweep]\n\"stage1.train.steps\" = [1, 2]\n")).find("stage1") != std::string::npos);
}
