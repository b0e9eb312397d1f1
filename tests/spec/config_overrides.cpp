#include <doctest/doctest.h>

#include <set>

#include "kernel/spec/experiment.h"
#include "tests/spec/config_catalogue.h"

using namespace marginalia;

static Experiment parse_small(const std::vector<std::string>& overrides, const std::string& more = "") {
    return parse_experiment(small_experiment(more), "small.toml", overrides, fake_catalogue());
}

static std::string message(const std::vector<std::string>& overrides, const std::string& more = "") {
    try {
        parse_small(overrides, more);
    } catch (const Error& error) {
        return error.what();
    }
    return "";
}

TEST_CASE("values are TOML by the declared type; texts need no quotes") {
    const Experiment e = parse_small({"train.steps=10", "+train.learning_rate=1e-2", "train.start_from=1",
                                      "energy.torus=false", "train.schedule=\"cosine\"", "run.device=cuda:0,cuda:1",
                                      "name=x-1", "description=one, two = three"});
    const auto& config = e.trials[0].config;
    CHECK(config["train"]["steps"] == 10);
    CHECK(config["train"]["learning_rate"] == 1e-2);
    CHECK(config["train"]["start_from"] == "1");
    CHECK(config["train"]["schedule"] == "cosine");
    CHECK(config["energy"]["torus"] == false);
    CHECK(e.run.device == "cuda:0,cuda:1");
    CHECK(e.name == "x-1");
    CHECK(e.description == "one, two = three");
}

TEST_CASE("numbers as other programs write them are read or refused with the right spelling") {
    for (const char* same : {"1e-3", "1E-3", "+1e-3", "0.001", "1.0e-3"})
        CHECK(parse_small({std::string("train.learning_rate=") + same}).trials[0].config["train"]["learning_rate"] ==
              1e-3);
    const auto remedy = [](const std::string& value) {
        const std::string text = message({"energy.field=" + value});
        return text.substr(std::min(text.rfind("; "), text.size()));
    };
    CHECK(remedy(".5") == "; write 0.5");
    CHECK(remedy("-.5e-3") == "; write -0.5e-3");
    CHECK(remedy("5.") == "; write 5.0");
    CHECK(remedy("+.5") == "; write 0.5");
    CHECK(remedy("1.e3") == "; write 1.0e3");
    CHECK(remedy("01") == "; write 1");
    CHECK(remedy("1d-3") == "; write 1e-3");
    CHECK(remedy("0.5f") == "; write 0.5");
    CHECK(remedy("Infinity") == "; give a finite number");
    CHECK(remedy("None") == "; TOML has no such value: leave the key out, and it has its default");
    CHECK(message({"energy.field=True"}) ==
          "override 'energy.field=True': 'energy.field' must be a number, not the text \"True\"");
    CHECK(message({"energy.field=inf"}) ==
          "override 'energy.field=inf': 'energy.field' must be a finite number, not inf");
    CHECK(message({"energy.torus=True"}) ==
          "override 'energy.torus=True': 'energy.torus' must be true or false, not the text \"True\"; write true");
    CHECK(message({"network.hidden=5."}) ==
          "override 'network.hidden=5.': 'network.hidden' must be an integer, not the text \"5.\"; write 5");
}

TEST_CASE("several values are a sweep, after the file's own and in its place") {
    CHECK(parse_small({"train.steps=1,2,3"}).trials.size() == 6);
    CHECK(parse_small({"train.steps=[1, 2]"}).trials.size() == 4);
    CHECK(parse_small({"train.learning_rate={log=[1e-4,1e-2],n=3}"}).trials.size() == 6);
    CHECK(parse_small({"train.learning_rate={random_log=[1e-4,1e-2]}", "sweep.samples=5"}).trials.size() == 10);
    CHECK(parse_small({"train.schedule=cosine, constant"}).trials[2].config["train"]["schedule"] == "constant");
    CHECK(parse_small({"network.plugin=mlp,lattice-conv"}).swept == std::vector<std::string>{"network.plugin"});
    const Experiment e =
        parse_small({"train.steps=1,2"}, "[sweep]\n\"train.steps\" = [7, 8, 9]\n\"train.batch\" = [1, 2]\n");
    CHECK(e.trials.size() == 8);
    CHECK(e.swept == std::vector<std::string>{"train.batch", "train.steps"});
}

TEST_CASE("a single value ends a sweep over its key, wherever it is") {
    CHECK(parse_small({"train.steps=5"}, "[sweep]\ntrain.steps = [7, 8]\n").trials.size() == 2);
    CHECK(parse_small({"train.steps=5"}, "[[sweep.zip]]\n\"train.steps\" = [7, 8]\n").trials.size() == 2);
    CHECK(parse_small({"train.steps=5"}, "[[sweep.zip]]\n\"train.steps\" = [7, 8]\n\"train.batch\" = [1, 2]\n")
              .trials.size() == 4);
    CHECK(parse_small({"train.clip=5"}, "[sweep]\nsamples = 9\nseed = 1\n\"train.clip\" = { random = [1, 2] }\n")
              .trials.size() == 2);
}

TEST_CASE("seeds may be one, several or a list") {
    CHECK(parse_small({"seeds=4"}).trials.size() == 1);
    CHECK(parse_small({"seeds=4,5,6"}).trials.size() == 3);
    CHECK(parse_small({"seeds=[4, 5]"}).trials[1].seed == 5);
}

TEST_CASE("a key, a sweep or a table can be removed") {
    const std::string more =
        "[sampler]\nplugin = \"block-gibbs\"\n[train]\nsteps = 5\n[sweep]\n\"train.batch\" = [1, 2]\n";
    CHECK_FALSE(parse_small({"~sampler"}, more).trials[0].config.contains("sampler"));
    CHECK(parse_small({"~train.steps"}, more).trials[0].config["train"]["steps"] == 1000);
    CHECK(parse_small({"~train.batch"}, more).trials.size() == 2);
    CHECK(parse_small({"~sweep.train.batch"}, more).trials.size() == 2);
    CHECK(parse_small({"~sweep"}, more).trials.size() == 2);
    CHECK(message({"~train.clip"}, more) == "override '~train.clip': there is no 'train.clip' in the file to remove");
}

TEST_CASE("another plugin can be chosen, in any order with its parameters") {
    const Experiment e = parse_small(
        {"energy.length=5", "energy.plugin=ring", "~energy.rows", "~energy.columns", "sampler.plugin=block-gibbs"});
    CHECK(e.trials[0].config["energy"].dump() == R"({"length":5,"plugin":"ring"})");
    CHECK(e.trials[0].config["sampler"]["sites"] == 10);
    CHECK(message({"energy.plugin=ring", "~energy.rows"}) ==
          "small.toml:6:1: unknown key 'columns' in [energy]. Parameters of energy 'ring': length; to drop it for this "
          "plugin, "
          "add the override ~energy.columns");
    CHECK(parse_small({"network.mlp.hidden=5"}).trials[0].config["network"]["hidden"] == 5);
}

TEST_CASE("what a file's sub-table would hide is refused") {
    CHECK(message({"network.hidden=5"}, "[network.mlp]\nhidden = 7\n") ==
          "override 'network.hidden=5': [network.mlp] of the file gives 'hidden' as well, which goes first; override "
          "'network.mlp.hidden' instead");
}

TEST_CASE("faults name the override") {
    CHECK(message({"train.steps"}) ==
          "override 'train.steps': there is no '=' in it; write KEY=VALUE, or ~KEY to remove a key");
    CHECK(message({"=3"}) == "override '=3': there is no key in it; write KEY=VALUE, such as train.steps=100");
    CHECK(message({"train..steps=3"}) ==
          "override 'train..steps=3': 'train..steps' is not a key; write table and key joined by a dot, such as "
          "train.steps=100");
    CHECK(message({"a.b.c.d=3"}) ==
          "override 'a.b.c.d=3': 'a.b.c.d' has too many dots; keys are TABLE.KEY or TABLE.PLUGIN.KEY");
    CHECK(message({"train.steps=many"}) ==
          "override 'train.steps=many': 'train.steps' must be an integer, not the text \"many\"");
    CHECK(message({"train.steps="}) == "override 'train.steps=': 'train.steps' must be an integer, not the text \"\"");
    CHECK(message({"train.steps=1,many"}) ==
          "override 'train.steps=1,many': 'train.steps' must be an integer, not the text \"many\"");
    CHECK(message({"energy.rows=1\ncolumns=2"}).find("must be an integer, not the text") != std::string::npos);
    // A comment is no value, a number not cut short, and no sign or digit is guessed.
    for (const char* value : {"100 # steps",
                              "100#1",
                              "1 00",
                              "1OO",
                              "010",
                              "1e3",
                              "1e",
                              "１００",
                              "−5",
                              "1\u00A0",
                              "99999999999999999999",
                              "1,,2",
                              "1,",
                              ",1",
                              "[1",
                              "1]",
                              "1;2",
                              "1..2",
                              "0x",
                              "--1",
                              "true",
                              "nan"}) {
        CAPTURE(std::string(value));
        CHECK(message({std::string("train.steps=") + value}).find("'train.steps' must be") != std::string::npos);
    }
    CHECK(message({"train.steps=1e3"}).ends_with("; write 1000"));
    CHECK(message({"network.hiden=3"}) ==
          "override 'network.hiden=3': unknown key 'hiden' in [network]; did you mean 'hidden'? "
          "Parameters of network 'mlp': hidden, layers");
    CHECK(message({"trian.steps=3"})
              .starts_with("override 'trian.steps=3': unknown table [trian]; did you mean 'train'?"));
    CHECK(message({"train.steps=\xff"}) == "override 'train.steps=byte 0xFF': this is not valid UTF-8");
    CHECK(message({"seeds=-1"}) == "override 'seeds=-1': a seed must be an integer of at least 0, not the integer -1");
    CHECK(message({"seeds=1,1"}) == "override 'seeds=1,1': the seed 1 is given twice; every seed makes one trial");
}

TEST_CASE("the experiment's text holds the overrides and means the same") {
    const std::string more =
        "[network.mlp]\nhidden = 7\n[sweep]\ntrain.batch = [1, 2]\n[[sweep.zip]]\nenergy.rows = [3, 5]\n"
        "energy.columns = [5, 3]\n";
    const Experiment e =
        parse_small({"train.learning_rate={log=[1e-4,1e-2],n=3}", "description=it's \"so\"", "seeds=3"}, more);
    const Experiment again = parse_experiment(e.toml, "small.toml", {}, fake_catalogue());
    CHECK(again.description == "it's \"so\"");
    REQUIRE(again.trials.size() == e.trials.size());
    CHECK(e.trials.size() == 12);
    std::multiset<std::string> one, other;
    for (const auto& t : e.trials) one.insert(t.hash);
    for (const auto& t : again.trials) other.insert(t.hash);
    CHECK(one == other);
}
