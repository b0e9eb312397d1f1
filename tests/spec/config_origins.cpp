// Where the values of an experiment were written, and the keys that its command line may give.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>

#include "kernel/spec/known_keys.h"
#include "kernel/spec/value_origins.h"
#include "tests/spec/config_catalogue.h"

using namespace marginalia;
namespace fs = std::filesystem;

namespace config_origins {

// base.toml and, extending it, file.toml.
class TwoFiles {
public:
    TwoFiles() : folder_(fs::temp_directory_path() / "marginalia-origins") {
        fs::create_directories(folder_);
        std::ofstream(folder_ / "base.toml")
            << "name = \"base\"\n[energy]\nplugin = \"ising\"\nrows = 4\ncolumns = 4\n"
               "[network]\nplugin = \"mlp\"\n[network.mlp]\nhidden = 64\n"
               "[objective]\nplugin = \"mam-energy\"\n[train]\nsteps = 100\nbatch = 32\n";
        std::ofstream(file())
            << "name = \"above\"\nextends = \"base.toml\"\n[train]\nbatch = 16\n"
               "[stage1.objective]\nplugin = \"likelihood\"\n[stage1.train]\nsteps = 7\n"
               "[sweep]\n\"train.learning_rate\" = [1e-3, 1e-2]\n\"network.layers\" = { lin = [1, 2], n = 2 }\n";
    }
    ~TwoFiles() { fs::remove_all(folder_); }

    fs::path file() const { return folder_ / "file.toml"; }
    std::string place(const std::string& name, int line) const {
        return (folder_ / name).string() + ":" + std::to_string(line);
    }

    std::map<std::string, ValueOrigin> origins(const std::vector<std::string>& overrides) const {
        std::map<std::string, ValueOrigin> by_key;
        for (const ValueOrigin& origin : value_origins(file(), overrides, fake_catalogue()))
            CHECK(by_key.emplace(origin.key, origin).second);  // each key once
        return by_key;
    }

private:
    const fs::path folder_;
};

using From = ValueOrigin::From;

void check(const ValueOrigin& origin, const std::string& value, From from, const std::string& where) {
    CAPTURE(origin.key);
    CHECK(origin.value == value);
    CHECK(static_cast<int>(origin.from) == static_cast<int>(from));
    CHECK(origin.where == where);
}

TEST_CASE("every value says where it was written") {
    const TwoFiles files;
    const auto origins = files.origins({"train.steps=10", "energy.field=0.1,0.2"});
    check(origins.at("name"), "\"above\"", From::file, files.place("file.toml", 1));
    check(origins.at("seeds"), "[0]", From::fallback, "");
    check(origins.at("energy.plugin"), "\"ising\"", From::file, files.place("base.toml", 3));
    check(origins.at("energy.rows"), "4", From::file, files.place("base.toml", 4));
    check(origins.at("energy.coupling"), "0.2", From::fallback, "");
    check(origins.at("energy.field"), "[0.1, 0.2]", From::command_line, "energy.field=0.1,0.2");
    check(origins.at("network.hidden"), "64", From::file, files.place("base.toml", 9));
    check(origins.at("network.layers"), "{ lin = [1, 2], n = 2 }", From::sweep, files.place("file.toml", 11));
    check(origins.at("train.steps"), "10", From::command_line, "train.steps=10");
    check(origins.at("train.batch"), "16", From::file, files.place("file.toml", 4));
    check(origins.at("train.learning_rate"), "[0.001, 0.01]", From::sweep, files.place("file.toml", 10));
    check(origins.at("run.device"), "\"auto\"", From::fallback, "");
    check(origins.at("stage1.objective.plugin"), "\"likelihood\"", From::file, files.place("file.toml", 6));
    check(origins.at("stage1.train.steps"), "7", From::file, files.place("file.toml", 8));
    check(origins.at("stage1.train.batch"), "128", From::fallback, "");
}

TEST_CASE("parameters of plugins that are tried beside each other go by their names") {
    const TwoFiles files;
    const auto origins = files.origins({"network.plugin=mlp,lattice-conv"});
    CHECK(origins.at("network.plugin").from == From::command_line);
    check(origins.at("network.mlp.hidden"), "64", From::file, files.place("base.toml", 9));
    check(origins.at("network.lattice-conv.channels"), "32", From::fallback, "");
    CHECK(origins.at("network.mlp.layers").from == From::sweep);
    CHECK(origins.at("network.lattice-conv.layers").from == From::sweep);
    CHECK_FALSE(origins.contains("network.hidden"));
}

TEST_CASE("known keys are those of the file's plugins") {
    const auto names = [](const fs::path& file) {
        std::vector<std::string> keys;
        for (const KnownKey& key : known_keys(file, fake_catalogue())) keys.push_back(key.key);
        return keys;
    };
    const auto has = [](const std::vector<std::string>& keys, const std::string& key) {
        return std::count(keys.begin(), keys.end(), key) == 1;
    };
    const TwoFiles files;
    const auto own = names(files.file());
    for (const char* key :
         {"train.steps", "run.device", "resources.memory", "energy.plugin", "energy.rows", "network.hidden"})
        CHECK(has(own, key));
    for (const char* key : {"network.channels", "energy.length", "dataset.file", "network.mlp.hidden"})
        CHECK_FALSE(has(own, key));
    const auto all = names("");
    for (const char* key : {"train.steps", "network.channels", "energy.length", "dataset.file"}) CHECK(has(all, key));
    std::ofstream(files.file()) << "name = [";
    CHECK(names(files.file()) == all);
}

}  // namespace config_origins
