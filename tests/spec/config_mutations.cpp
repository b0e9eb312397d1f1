#include <doctest/doctest.h>

#include <random>

#include "kernel/spec/experiment.h"
#include "tests/spec/config_catalogue.h"

using namespace marginalia;

// A file that uses every form there is.
static const std::string rich = small_experiment(
    "[network.mlp]\nhidden = 3\n[sampler]\nplugin = \"block-gibbs\"\n[train]\nsteps = 1_000\nschedule = \"cosine\"\n"
    "[run]\ndevice = 'cpu'\n[sweep]\nsamples = 3\nseed = 1\ndraws = \"sobol\"\ndimensions = "
    "[\"train.clip\"]\ntrain.batch = [1, 2]\n\"train.learning_rate\" = { log = "
    "[1e-4, 1e-2], "
    "n = 3 }\n\"train.clip\" = { random = [0, 1] }\n\"objective.penalty\" = { choice = [1, 2.5] }\n\"network.plugin\" "
    "= "
    "[\"mlp\", \"lattice-conv\"]\n\"network.lattice-conv.channels\" = { lin = [1, 9], n = 3 "
    "}\n[[sweep.zip]]\n\"energy.rows\" = "
    "[2, 3]\n\"energy.columns\" = [3, 2]\n[sweep.when]\n\"train.clip\" = { \"train.batch\" = [1, 7] }\n"
    "[[sweep.exclude]]\n\"train.batch\" = { above = 1, below = 3 }\n\"network.plugin\" = \"mlp\"\n[table]\ntitle = "
    "\"t\"\ncolumns = [\"kl\"]\nlimits = { kl = 0 "
    "}\n[[table.rows]]\nlabel = \"l\"\nwhere = "
    "{ \"train.batch\" = [1, 2] }\npublished = { kl = 1 }\n");

// Deletes, doubles, swaps or replaces a few characters or lines.
static std::string mutated(std::string text, std::mt19937_64& random) {
    const auto at = [&] { return random() % text.size(); };
    for (auto edits = 1 + random() % 3; edits > 0 && !text.empty(); --edits) {
        const std::size_t from = at(), length = 1 + random() % 12;
        switch (random() % 5) {
            case 0: text.erase(from, length); break;
            case 1: text.insert(at(), text.substr(from, length)); break;
            case 2: std::swap(text[from], text[at()]); break;
            case 3: text[from] = "[]{}\"'=.,#\n0-1e"[random() % 15]; break;
            default: text.insert(text.find('\n', from) + 1, text.substr(from, text.find('\n', from) + 1 - from));
        }
    }
    return text;
}

TEST_CASE("whatever is typed, the file is read or refused with a place") {
    const PluginCatalogue catalogue = fake_catalogue();
    std::mt19937_64 random(7);
    int read = 0, refused = 0;
    for (int i = 0; i < 1500; ++i) {
        const std::string text = mutated(rich, random);
        try {
            for (const TrialConfig& trial : parse_experiment(text, "x.toml", {}, catalogue).trials)
                read += trial.seed == 0;
        } catch (const Error& error) {
            ++refused;
            INFO(text);
            CHECK(std::string(error.what()).starts_with("x.toml:"));
        }
    }
    CHECK(read > 1000);
    CHECK(refused > 500);
}

TEST_CASE("whatever is typed as an override is taken or refused by name") {
    const PluginCatalogue catalogue = fake_catalogue();
    std::mt19937_64 random(8);
    const std::string words[] = {"train.learning_rate={log=[1e-4,1e-2],n=3}",
                                 "energy.rows=2,3,4",
                                 "~network.mlp.hidden",
                                 "network.plugin=mlp,lattice-conv",
                                 "seeds=[0, 1]",
                                 "sweep.samples=5",
                                 "name=x"};
    for (int i = 0; i < 1500; ++i) {
        const std::string override = mutated(words[random() % std::size(words)] + "\n", random);
        try {
            parse_experiment(rich, "x.toml", {override}, catalogue);
        } catch (const Error& error) {
            INFO(override);
            CHECK((std::string(error.what()).starts_with("override '") ||
                   std::string(error.what()).starts_with("x.toml:")));
        }
    }
}
