// Config keys in the order of the file.
#include <doctest/doctest.h>

#include <algorithm>

#include "kernel/spec/key_order.h"

using namespace marginalia;

namespace key_order {

using Keys = std::vector<std::string>;

constexpr const char* file = R"(name = "x"
[objective]
plugin = "mam-energy"
[energy]
plugin = "ising"
coupling = 0.2
[network]
plugin = "mlp"
[network.mlp]
hidden = 64
[train]
steps = 100
batch = 32
[sweep]
"train.learning_rate" = [1e-3, 1e-2]
network.mlp.layers = [1, 2]
"energy.rows" = { lin = [4, 8], n = 2 }
[[sweep.zip]]
"train.clip" = [0, 1]
"network.width" = [1, 2]
[[sweep.exclude]]
"train.warmup" = 1
)";

TEST_CASE("keys that differ stand as [sweep] and the tables name them") {
    Keys keys = {"energy.coupling",     "energy.rows", "network.hidden", "network.layers", "network.width",
                 "train.learning_rate", "train.batch", "train.clip",     "train.steps"};
    KeyOrder(file).sort(keys);
    CHECK(keys == Keys{"energy.coupling", "network.hidden", "train.steps", "train.batch", "train.learning_rate",
                       "network.layers", "energy.rows", "train.clip", "network.width"});
}

TEST_CASE("a key that the file does not name stands behind those of its table, a table at the end") {
    Keys keys = {"dataset.plugin",      "energy.field",     "energy.plugin",
                 "evaluation.samples",  "evaluation.every", "network.depth",
                 "network.layers",      "objective.plugin", "seed",
                 "train.warmup",        "train.beta1",      "train.batch",
                 "train.learning_rate", "train.steps"};
    KeyOrder(file).sort_by_table(keys);
    CHECK(keys == Keys{"objective.plugin", "energy.plugin", "energy.field", "network.depth", "network.layers",
                       "train.steps", "train.batch", "train.warmup", "train.beta1", "train.learning_rate",
                       "dataset.plugin", "evaluation.every", "evaluation.samples", "seed"});
}

TEST_CASE("without a file keys have the order of the documentation, and broken text names none") {
    const Keys documented = {"energy.plugin", "energy.coupling", "network.plugin",
                             "train.steps",   "train.batch",     "seed"};
    for (const char* text : {"", "name = ", "train = 3\nsweep = [[1, {a = 2}], \"x\"]\n"}) {
        Keys keys = documented;
        std::ranges::reverse(keys);
        KeyOrder(text).sort(keys);
        CHECK(keys == documented);
    }
}

TEST_CASE("a table's plugin stands first, wherever a file that extends another has it") {
    Keys keys = {"network.hidden", "network.depth", "network.plugin"};
    const KeyOrder order("[network]\nhidden = 1\nplugin = \"mlp\"\n");
    order.sort_by_table(keys);
    CHECK(keys == Keys{"network.plugin", "network.hidden", "network.depth"});
}

}  // namespace key_order
