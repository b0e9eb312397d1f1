#include <doctest/doctest.h>

#include <fstream>

#include <unistd.h>

#include "kernel/base/digest.h"
#include "kernel/spec/experiment.h"
#include "kernel/spec/identity.h"
#include "tests/spec/config_catalogue.h"

using namespace marginalia;

TEST_CASE("a small file becomes one trial a seed with every default filled in") {
    const Experiment e = parse(small_experiment("[train]\nlearning_rate = 1\n"));
    CHECK(e.name == "small");
    CHECK(e.description == "");
    CHECK(e.swept.empty());
    REQUIRE(e.trials.size() == 2);
    CHECK(e.trials[0].seed == 0);
    CHECK(e.trials[1].seed == 1);
    CHECK(e.trials[0].hash == e.trials[1].hash);
    const nlohmann::json& c = e.trials[0].config;
    CHECK(c["energy"].dump() == R"({"columns":4,"coupling":0.2,"field":0.0,"plugin":"ising","rows":4,"torus":true})");
    CHECK(c["network"].dump() == R"({"hidden":256,"layers":3,"plugin":"mlp"})");
    CHECK(c["objective"].dump() == R"({"penalty":1.0,"plugin":"mam-energy"})");
    CHECK(c["train"]["learning_rate"].dump() == "1.0");
    CHECK(c["train"].size() == train_parameters().size());
    CHECK(c["evaluation"].size() == evaluation_parameters().size());
    CHECK_FALSE(c.contains("sampler"));
    CHECK_FALSE(c.contains("run"));
    CHECK(nlohmann::json(e.run).size() == run_parameters().size());
    CHECK(e.toml == small_experiment("[train]\nlearning_rate = 1\n"));
}

TEST_CASE("the hash is of what shapes the weights, and of nothing else") {
    const Experiment e = parse(small_experiment());
    const std::string hash = e.trials[0].hash;
    CHECK(hash == split_config(e.trials[0].config).hash);
    CHECK(parse(small_experiment("[run]\ncores = 1\n[train]\nsteps = 1000\n")).trials[0].hash == hash);
    CHECK(parse(small_experiment(), {"name=other", "description=a word, or two", "seeds=7"}).trials[0].hash == hash);
    CHECK(parse(small_experiment("[train]\nsteps = 1001\n")).trials[0].hash != hash);
    CHECK(parse(small_experiment("[train]\nclip = 0.0\n")).trials[0].hash == hash);
    CHECK(parse(small_experiment("[train]\nclip = -0.0\n")).trials[0].hash == hash);
}

TEST_CASE("a path is taken from the folder of the file") {
    const std::string text =
        "name = \"d\"\n[dataset]\nplugin = \"rows\"\nfile = \"../data/a.csv\"\n[network]\nplugin = \"mlp\"\n"
        "[objective]\nplugin = \"mam-energy\"\n";
    CHECK(parse(text).trials[0].config["dataset"]["file"] == "/data/a.csv");
    CHECK(parse(text, {"dataset.file=b.csv"}).trials[0].config["dataset"]["file"] == "/lab/b.csv");
    CHECK(parse(text, {"dataset.file=/b.csv"}).trials[0].config["dataset"]["file"] == "/b.csv");
}

TEST_CASE("a plugin's own sub-table goes first and other plugins ignore it") {
    const std::string more =
        "layers = 5\n[network.mlp]\nlayers = 7\nhidden = 8\n[network.lattice-conv]\nchannels = 16\n";
    const std::string text =
        "name = \"s\"\n[energy]\nplugin = \"ring\"\n[objective]\nplugin = \"mam-energy\"\n[network]\nplugin = \"";
    CHECK(parse(text + "mlp\"\n" + more).trials[0].config["network"].dump() ==
          R"({"hidden":8,"layers":7,"plugin":"mlp"})");
    CHECK(parse(text + "lattice-conv\"\n" + more).trials[0].config["network"].dump() ==
          R"({"channels":16,"layers":5,"plugin":"lattice-conv"})");
}

TEST_CASE("a trial written as a file gives the same trial") {
    const std::string data =
        "name = \"d\"\n[dataset]\nplugin = \"rows\"\nfile = \"a.csv\"\ntitle = \"a \\\"b\\\" \\\\ \\u007f é\\n\"\n"
        "[network]\nplugin = \"mlp\"\n[sampler]\nplugin = \"block-gibbs\"\n[objective]\nplugin = \"mam-energy\"\n";
    for (const std::string& text : {small_experiment("[train]\nlearning_rate = 1e-5\nclip = 0.1\nsteps = 3\n"), data}) {
        const TrialConfig trial = parse(text).trials[0];
        const Experiment again =
            parse_experiment(to_toml("again", trial.config, 3), "/elsewhere/x.toml", {}, fake_catalogue());
        CHECK(again.name == "again");
        REQUIRE(again.trials.size() == 1);
        CHECK(again.trials[0].seed == 3);
        CHECK(again.trials[0].config == trial.config);
        CHECK(again.trials[0].hash == trial.hash);
    }
}

TEST_CASE("all faults are reported at once, by place") {
    const std::string text =
        "name = \"bad name\"\n[energy]\nplugin = \"ising\"\nrows = 0\n[network]\nplugin = \"mpl\"\n"
        "[objective]\nplugin = \"mam-energy\"\npenalty = \"1\"\n[train]\nstep = 3\n";
    CHECK_THROWS_WITH_AS(
        parse_experiment(text, "x.toml", {"train.batch=0", "nonsense"}, fake_catalogue()),
        "x.toml:1:8: 'name' cannot be \"bad name\": use letters, digits, '.', '_' and '-', and begin with a letter or "
        "digit\n"
        "x.toml:2:1: [energy] lacks 'columns', which energy 'ising' requires: integer from 1 to 64 sites, columns of "
        "the lattice\n"
        "x.toml:4:8: 'energy.rows' must be from 1 to 64 sites, not 0\n"
        "x.toml:6:10: unknown network plugin 'mpl'; did you mean 'mlp'? The network plugins: lattice-conv, mlp\n"
        "x.toml:9:11: 'objective.penalty' must be a number, not the text \"1\"; leave the quotes out\n"
        "x.toml:11:1: unknown key 'step' in [train]; did you mean 'steps'? Keys of [train]: steps, clip, "
        "batch, beta1, beta2 and 21 more\n"
        "override 'train.batch=0': 'train.batch' must be from 1 to 1000000 states, not 0\n"
        "override 'nonsense': there is no '=' in it; write KEY=VALUE, or ~KEY to remove a key",
        Error);
}

TEST_CASE("one state is no sample") {
    CHECK_NOTHROW(parse(small_experiment(), {"evaluation.samples=0", "evaluation.quick_samples=2"}));
    CHECK_THROWS_WITH_AS(parse(small_experiment("[evaluation]\nquick_samples = 1\n")),
                         "/lab/small.toml:12:17: 'evaluation.quick_samples' cannot be 1: give at least 2 states, or 0 "
                         "for none",
                         Error);
    CHECK_THROWS_AS(parse(small_experiment(), {"evaluation.samples=1,2"}), Error);
}

TEST_CASE("a table that a plugin needs must be there") {
    const std::string sampler = "[sampler]\nplugin = \"block-gibbs\"\n";
    CHECK_NOTHROW(parse(small_experiment(sampler), {"objective.plugin=reinforce"}));
    CHECK_NOTHROW(parse(small_experiment(), {"objective.plugin=reinforce", "+sampler.plugin=block-gibbs"}));
    const auto refused = [](const std::string& text, const std::vector<std::string>& overrides, const char* sentence) {
        CHECK_THROWS_WITH_AS(parse(text, overrides), sentence, Error);
    };
    refused(small_experiment(), {"objective.plugin=reinforce"},
            "override 'objective.plugin=reinforce': objective 'reinforce' needs a [sampler]; add one with plugin = "
            "\"NAME\". The sampler plugins: block-gibbs, heat-bath, tempering");
    refused(small_experiment("[sweep]\n\"objective.plugin\" = [\"mam-energy\", \"likelihood\"]\n"), {},
            "/lab/small.toml:12:37: objective 'likelihood' needs a [dataset], not an [energy]");
}

TEST_CASE("a plugin with a wrong default is refused by name") {
    PluginCatalogue catalogue = fake_catalogue();
    catalogue.plugins[1].parameters[2].fallback = "strong";
    CHECK_THROWS_WITH_AS(
        parse_experiment(small_experiment(), "x.toml", {}, catalogue),
        "x.toml:3:1: the energy plugin 'ising' cannot be used: the declared default of 'coupling' is wrong: "
        "'strong' is not TOML; mend the plugin",
        Error);
}

TEST_CASE("run.plugin_path is known before the plugins are") {
    using Folders = std::vector<std::string>;
    const auto folders = [](const std::string& text, const std::vector<std::string>& overrides = {}) {
        return plugin_folders_of(text, "/lab/small.toml", overrides);
    };
    CHECK(folders("name = \"a\"\n[run]\nplugin_path = \"build:/opt/more\"\n") == Folders{"/lab/build", "/opt/more"});
    CHECK(folders("name = \"a\"\n").empty());
    CHECK(folders("[run]\nplugin_path = 3\n").empty());   // told when the experiment is read
    CHECK(folders("[run\nplugin_path = \"x\"").empty());  // so is this
    CHECK(folders("run.plugin_path = \"x\"\n", {"train.steps=1", "run.plugin_path=y"}) == Folders{"/lab/y"});
    CHECK(folders("", {"run.plugin_path=\"a:b\""}) == Folders{"/lab/a", "/lab/b"});
    const Experiment e = parse(small_experiment("[run]\nplugin_path = \"build\"\n"));
    CHECK(e.run.plugin_path == "build");
    CHECK_FALSE(e.trials[0].config.contains("run"));
}

TEST_CASE("a missing or refused plugin alone is an error of its own, for the exit code") {
    const auto parse_with = [](const std::string& override) {
        parse_experiment(small_experiment(), "x.toml", {override}, fake_catalogue());
    };
    CHECK_THROWS_AS(parse_with("network.plugin=cnn"), MissingPlugin);
    CHECK_THROWS_AS(parse_with("sampler.plugin=potts"), MissingPlugin);
    try {
        parse(small_experiment(), {"network.plugin=cnn", "train.steps=-1"});
        FAIL("no fault was found");
    } catch (const MissingPlugin&) {
        FAIL("more than a plugin is wrong");
    } catch (const Error&) {
    }
}

TEST_CASE("a file that cannot be read is an error that names it") {
    const auto path =
        std::filesystem::temp_directory_path() / ("marginalia-config-" + std::to_string(getpid()) + ".toml");
    CHECK_THROWS_WITH_AS(read_experiment(path, {}, fake_catalogue()),
                         ("cannot read the experiment file '" + path.string() +
                          "': No such file or directory; give the path of a TOML file")
                             .c_str(),
                         Error);
    CHECK_THROWS_AS(read_experiment(path.parent_path(), {}, fake_catalogue()), Error);
    std::ofstream(path) << small_experiment();
    CHECK(read_experiment(path, {}, fake_catalogue()).trials.size() == 2);
    for (const std::string mark : {"\xEF\xBB\xBF", "\r\n\r", "\xEF\xBB\xBF# Windows\r\n"}) {
        std::ofstream(path, std::ios::binary) << mark << small_experiment();
        CHECK(read_experiment(path, {}, fake_catalogue()).trials.size() == 2);
    }
    std::ofstream(path, std::ios::binary) << "\xFF\xFEn";
    CHECK_THROWS_WITH_AS(read_experiment(path, {}, fake_catalogue()),
                         (path.string() + ": this is text in UTF-16; save it as UTF-8").c_str(), Error);
    std::filesystem::remove(path);
}

TEST_CASE("memory is a number with a unit") {
    CHECK(bytes_of("6GB") == 6'000'000'000);
    CHECK(bytes_of(" 1.5 GiB ") == 3ll << 29);
    CHECK(bytes_of("500 MB") == 500'000'000);
    CHECK(bytes_of("2kB") == 2000);
    CHECK(bytes_of("2KiB") == 2048);
    CHECK(bytes_of("1TB") == 1'000'000'000'000);
    CHECK(bytes_of("") == 0);
    for (const char* wrong : {"6", "GB", "-6GB", "0GB", "6gb", "6 G", "6GBs", "nanGB", "infGB", "1e9TB", "6 G B"}) {
        CAPTURE(std::string(wrong));
        CHECK_FALSE(bytes_of(wrong));
    }
}
