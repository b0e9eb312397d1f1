// Experiment files that extend others.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "kernel/spec/experiment.h"
#include "kernel/spec/nearest.h"
#include "tests/spec/config_catalogue.h"

using namespace marginalia;
namespace fs = std::filesystem;

namespace {

// A folder of experiment files, removed at the end.
class Folder {
public:
    Folder() {
        std::string name = (fs::temp_directory_path() / "marginalia-extends-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) std::abort();
        path_ = name;
    }
    ~Folder() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }

    fs::path write(const std::string& name, const std::string& text) const {
        fs::create_directories((path_ / name).parent_path());
        std::ofstream(path_ / name, std::ios::binary) << text;
        return path_ / name;
    }

    Experiment read(const std::string& text, const std::vector<std::string>& overrides = {}) const {
        return read_experiment(write("top.toml", text), overrides, fake_catalogue());
    }

    // What is wrong with it, without the folder's name.
    std::string faults(const std::string& text, const std::vector<std::string>& overrides = {}) const {
        std::string message;
        try {
            read(text, overrides);
        } catch (const Error& error) {
            message = error.what();
        }
        const std::string folder = path_.string() + "/";
        for (std::size_t at; (at = message.find(folder)) != message.npos;) message.erase(at, folder.size());
        return message;
    }

    const fs::path& path() const { return path_; }

private:
    fs::path path_;
};

const std::string top = "name = \"top\"\nextends = \"base.toml\"\n";

}  // namespace

TEST_CASE("keys go over those of the extended file, one by one") {
    const Folder folder;
    folder.write("base.toml", small_experiment("[network.mlp]\nhidden = 9\n[train]\nsteps = 50\nbatch = 7\n"));
    const Experiment e = folder.read(top + "seeds = [4]\n[train]\nsteps = 2\n[run]\ncores = 1\n");
    CHECK(e.name == "top");
    REQUIRE(e.trials.size() == 1);
    const nlohmann::json& config = e.trials[0].config;
    CHECK(e.trials[0].seed == 4);
    CHECK(config["train"]["steps"] == 2);
    CHECK(config["train"]["batch"] == 7);
    CHECK(config["network"]["hidden"] == 9);
    CHECK(config["energy"]["rows"] == 4);
    CHECK(e.run.cores == 1);
    const Experiment plain =
        folder.read(small_experiment("[network.mlp]\nhidden = 9\n[train]\nsteps = 2\nbatch = 7\n"));
    CHECK(plain.trials[0].hash == e.trials[0].hash);
}

TEST_CASE("files may extend files that extend files") {
    const Folder folder;
    folder.write("deep/base.toml", small_experiment("[train]\nsteps = 1\nbatch = 1\nclip = 1\n"));
    folder.write("middle.toml", "extends = \"deep/base.toml\"\nname = \"m\"\n[train]\nbatch = 2\nclip = 2\n");
    const Experiment e = folder.read("name = \"top\"\nextends = \"middle.toml\"\n[train]\nclip = 3\n");
    CHECK(e.name == "top");
    CHECK(e.trials[0].config["train"]["steps"] == 1);
    CHECK(e.trials[0].config["train"]["batch"] == 2);
    CHECK(e.trials[0].config["train"]["clip"] == 3.0);
}

TEST_CASE("a table with another plugin takes only sub-tables from below") {
    const Folder folder;

    folder.write("base.toml",
                 "name = \"b\"\n[energy]\nplugin = \"ring\"\n[objective]\nplugin = \"mam-energy\"\n[network]\n"
                 "plugin = \"mlp\"\nhidden = 5\n[network.lattice-conv]\nchannels = 3\n");
    const Experiment e = folder.read(top + "[network]\nplugin = \"lattice-conv\"\n");
    CHECK(e.trials[0].config["network"].dump() == R"({"channels":3,"layers":4,"plugin":"lattice-conv"})");
    CHECK(folder.read(top + "[network]\nplugin = \"mlp\"\n").trials[0].config["network"]["hidden"] == 5);
}

TEST_CASE("[sweep] is the topmost file's, and a key given above ends its sweep below") {
    const Folder folder;
    folder.write("base.toml", small_experiment("[sweep]\ntrain.steps = [1, 2]\n\"network.mlp.hidden\" = [3, 4]\n"
                                               "[[sweep.zip]]\nenergy.rows = [2, 3]\n\"energy.columns\" = [3, 2]\n"));
    CHECK(folder.read(top).trials.size() == 16);
    CHECK(folder.read(top + "[sweep]\ntrain.batch = [1, 2]\n").trials.size() == 4);
    const Experiment e = folder.read(top + "[train]\nsteps = 9\n[energy]\nrows = 4\n[network.mlp]\nhidden = 8\n");
    REQUIRE(e.trials.size() == 4);
    CHECK(e.trials[2].config["train"]["steps"] == 9);
    CHECK(e.trials[2].config["energy"]["rows"] == 4);
    CHECK(e.trials[2].config["energy"]["columns"] == 2);
    CHECK(e.trials[2].config["network"]["hidden"] == 8);
    CHECK(folder.read(top + "[sweep]\n").trials.size() == 2);
}

TEST_CASE("file names are relative to the file in which they stand") {
    const Folder folder;
    const std::string rest = "[network]\nplugin = \"mlp\"\n[objective]\nplugin = \"mam-energy\"\n";
    folder.write("lab/base.toml",
                 "[dataset]\nplugin = \"rows\"\nfile = \"a.csv\"\ntitle = \"t\"\n[run]\nplugin_path = "
                 "\"p:/q:../r\"\n" +
                     rest);
    const std::string above = "name = \"top\"\nextends = \"lab/base.toml\"\n";
    const std::string here = folder.path().string();
    const Experiment e = folder.read(above);
    CHECK(e.trials[0].config["dataset"]["file"] == here + "/lab/a.csv");
    CHECK(e.trials[0].config["dataset"]["title"] == "t");
    CHECK(plugin_folders_of(here + "/top.toml", {}) == std::vector<std::string>{here + "/lab/p", "/q", here + "/r"});
    CHECK(folder.read(above + "[dataset]\nfile = \"a.csv\"\n").trials[0].config["dataset"]["file"] == here + "/a.csv");
    CHECK(folder.read(above, {"dataset.file=b.csv"}).trials[0].config["dataset"]["file"] == here + "/b.csv");
    folder.write("lab/base.toml", "[dataset]\nplugin = \"rows\"\n[sweep]\n\"dataset.file\" = [\"a\", \"/b\"]\n" + rest);
    const Experiment swept = folder.read(above);
    REQUIRE(swept.trials.size() == 2);
    CHECK(swept.trials[0].config["dataset"]["file"] == here + "/lab/a");
    CHECK(swept.trials[1].config["dataset"]["file"] == "/b");
}

TEST_CASE("the text that is kept stands on its own") {
    const Folder folder;
    folder.write("lab/base.toml",
                 small_experiment("[run]\nplugin_path = \"p\"\n[sweep]\n\"train.batch\" = [3, 4]\n[[sweep.zip]]\n"
                                  "energy.rows = [2, 3]\n\"energy.columns\" = [3, 2]\n"));
    const Experiment e =
        folder.read("extends = \"lab/base.toml\"\nname = \"top\"\n[train]\nsteps = 2\n", {"train.clip=1"});
    fs::remove(folder.path() / "lab/base.toml");
    CHECK(e.toml.starts_with("name = \"top\"\n"));
    CHECK(e.toml.find("extends =") == e.toml.npos);
    const Experiment again = parse_experiment(e.toml, folder.path() / "top.toml", {}, fake_catalogue());
    REQUIRE(again.trials.size() == e.trials.size());
    for (std::size_t i = 0; i < e.trials.size(); ++i) CHECK(again.trials[i].hash == e.trials[i].hash);
    CHECK(again.run == e.run);
    CHECK(plugin_folders_of(e.toml, folder.path() / "top.toml", {}) ==
          std::vector<std::string>{folder.path().string() + "/lab/p"});
}

TEST_CASE("faults name the file they are in") {
    const Folder folder;
    folder.write("base.toml", small_experiment("[train]\nstep = 3\nbatch = 0\n"));
    CHECK(folder.faults(top + "[train]\nclip = -1\n") ==
          "top.toml:4:8: 'train.clip' must be at least 0, not -1\n"
          "base.toml:12:1: unknown key 'step' in [train]" +
              [] {
                  std::vector<std::string> names;
                  for (const ParameterSpec& spec : train_parameters()) names.push_back(spec.name);
                  return suggestion("step", names, "Keys of [train]");
              }() +
              "\nbase.toml:13:9: 'train.batch' must be from 1 to 1000000 states, not 0");
    folder.write("base.toml", "[train\n");
    CHECK(folder.faults(top).starts_with("base.toml:1:7: this is not valid TOML"));
}

TEST_CASE("what cannot be extended is refused with its place") {
    const Folder folder;
    CHECK(folder.faults(top) ==
          "top.toml:2:11: cannot read the file to extend 'base.toml': No such file or directory; give "
          "the path of a TOML file");
    CHECK(folder.faults("name = \"top\"\nextends = 3\n") ==
          "top.toml:2:11: 'extends' must be the name of an experiment file in quotes, not the integer 3");
    CHECK(folder.faults("name = \"top\"\nextends = \"top.toml\"\n") ==
          "top.toml:2:11: 'extends' leads back to top.toml, which extends this file; a file cannot build on itself");
    folder.write("base.toml", "extends = \"./x/../top.toml\"\n");
    CHECK(folder.faults(top) ==
          "base.toml:1:11: 'extends' leads back to top.toml, which extends this file; a file cannot build on itself");
    folder.write("base.toml", small_experiment());
    CHECK(
        folder.faults("extends = \"base.toml\"\n") ==
        "top.toml:1:1: the experiment has no name of its own, and that of the file it extends is another's; add name = "
        "\"my-experiment\" at the top of the file");
    CHECK(folder.read("extends = \"base.toml\"\n", {"name=other"}).name == "other");
    CHECK(folder.faults(small_experiment(), {"extends=base.toml"}) ==
          "override 'extends=base.toml': 'extends' cannot be given on the command line; write a file that begins with "
          "it");
    CHECK(folder.faults(small_experiment("extends = \"base.toml\"\n")).find("it belongs at the top of the file") !=
          std::string::npos);
}

TEST_CASE("file names in conditions of a base's sweep are relative to the base") {
    const Folder folder;
    folder.write("lab/base.toml",
                 "name = \"base\"\n[dataset]\nplugin = \"rows\"\nfile = \"a.csv\"\n[network]\nplugin = \"mlp\"\n"
                 "[objective]\nplugin = \"likelihood\"\n[sweep]\n\"dataset.file\" = [\"a.csv\", \"b.csv\"]\n"
                 "\"network.layers\" = [1, 2]\n\"network.hidden\" = [5, 6]\n"
                 "[sweep.when]\n\"network.hidden\" = { \"dataset.file\" = \"a.csv\", \"network.layers\" = 1 }\n"
                 "[[sweep.exclude]]\n\"dataset.file\" = [\"b.csv\"]\n\"network.layers\" = 2\n");
    const Experiment e = folder.read("name = \"top\"\nextends = \"lab/base.toml\"\n");
    CHECK(e.warnings.empty());
    CHECK(e.trials.size() == 4);  // a.csv with 1 5, 1 6 and 2; b.csv with 1
}
