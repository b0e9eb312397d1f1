// [table]: how results are printed beside published ones.
#include <doctest/doctest.h>

#include "kernel/spec/experiment.h"
#include "tests/spec/config_catalogue.h"

using namespace marginalia;

static const std::string table =
    "[table]\ntitle = \"t\"\ncolumns = [\"kl\", \"nll_bits\"]\nlimits = { kl = 0 }\n[[table.rows]]\nlabel = \"MAM\"\n"
    "where = { objective.plugin = \"mam-energy\", \"energy.rows\" = [4, 6] }\npublished = { kl = 0.5 }\n"
    "metrics = { kl = \"kl_bound\" }\n[[table.rows]]\nlabel = \"other\"\nexperiment = \"elsewhere\"\n";

TEST_CASE("a table is read, and is no part of a trial") {
    const Experiment e = parse(small_experiment(table));
    CHECK(e.trials[0].hash == parse(small_experiment()).trials[0].hash);
    CHECK_FALSE(parse(small_experiment()).table);
    REQUIRE(e.table);
    CHECK(e.table->title == "t");
    CHECK(e.table->columns == std::vector<std::string>{"kl", "nll_bits"});
    CHECK(e.table->limits.at("kl") == 0);
    REQUIRE(e.table->rows.size() == 2);
    CHECK(e.table->rows[0].published.at("kl").value == 0.5);
    CHECK_FALSE(e.table->rows[0].published.at("kl").error);
    CHECK(e.table->rows[0].metrics.at("kl") == "kl_bound");
    CHECK(e.table->rows[1].experiment == "elsewhere");
    CHECK(e.table->rows[1].where.empty());
}

TEST_CASE("the table is found again in the text that the store keeps") {
    for (const std::vector<std::string>& overrides : {std::vector<std::string>{}, {"train.steps=3"}}) {
        const auto kept = paper_table_of(parse(small_experiment(table), overrides).toml, "small.toml");
        REQUIRE(kept);
        CHECK(kept->columns.size() == 2);
        REQUIRE(kept->rows.size() == 2);
        CHECK(kept->rows[0].where.size() == 2);
    }
    CHECK(parse(small_experiment(table), {"table.columns=[\"nll_bits\", \"kl\"]"}).table->columns[0] == "nll_bits");
    CHECK_FALSE(paper_table_of(small_experiment(), "small.toml"));
    CHECK_FALSE(paper_table_of("not toml", "small.toml"));
    CHECK_FALSE(parse(small_experiment(table), {"~table"}).table);
}

TEST_CASE("a row is of the trials whose config has its values") {
    const PaperRow row = parse(small_experiment(table)).table->rows[0];
    const auto fits = [&](const std::vector<std::string>& overrides) {
        return matches(row,
                       parse(small_experiment("[sampler]\nplugin = \"block-gibbs\"\n"), overrides).trials[0].config);
    };
    CHECK(fits({}));
    CHECK(fits({"energy.rows=6"}));
    CHECK_FALSE(fits({"energy.rows=5"}));
    CHECK_FALSE(fits({"objective.plugin=reinforce"}));
}

TEST_CASE("values match as numbers, file names by their end, and no table as none") {
    const nlohmann::json config = {{"dataset", {{"plugin", "rows"}, {"file", "/lab/data/a.csv"}}},
                                   {"train", {{"clip", 1.0}}}};
    const auto fits = [&](const std::string& key, const nlohmann::json& value) {
        return matches({"", "", {{key, {value}}}, {}, {}}, config);
    };
    CHECK(fits("train.clip", 1));
    CHECK_FALSE(fits("train.clip", 2));
    CHECK_FALSE(fits("train.steps", 2));
    CHECK(fits("dataset.file", "data/a.csv"));
    CHECK_FALSE(fits("dataset.file", "b/a.csv"));
    CHECK(fits("sampler.plugin", "none"));
    CHECK_FALSE(fits("sampler.plugin", "block-gibbs"));
    CHECK_FALSE(fits("dataset.plugin", "none"));
}

TEST_CASE("a row that cites is somebody else's, with its figures' errors, source and machine") {
    const std::string row =
        "[[table.rows]]\ntarget = \"4x4\"\nlabel = \"other\"\npublished = { kl = [0.5, 0.1], nll_bits = 1 }\n"
        "cite = \"Table 3\"\nhardware = \"one A100\"\nsecond_hand = true\n";
    const PaperRow read = parse(small_experiment(table + row)).table->rows.back();
    CHECK(read.target == "4x4");
    CHECK(read.published.at("kl").value == 0.5);
    CHECK(read.published.at("kl").error == 0.1);
    CHECK_FALSE(read.published.at("nll_bits").error);
    CHECK(read.cite == "Table 3");
    CHECK(read.hardware == "one A100");
    CHECK(read.second_hand);
}
