// The verbs that rank, tabulate, compare and draw figures, by the text they print: as golden_verbs.cpp.
#include <cmath>
#include <map>
#include <sstream>

#include "kernel/host/results/summary.h"
#include "tests/golden/golden_place.h"

namespace golden {

TEST_CASE("best ranks configurations over seeds, without NaN and without lucky single seeds") {
    compare_with("best", {"marginalia best kl", "marginalia best kl --experiment lattice --min-seeds 3 --format csv",
                          "marginalia best spearman", "marginalia best spearman --min -n 1",
                          "marginalia best kl --format json -n 1", "marginalia best spearmn",
                          "marginalia best kl --min-seeds 4"});
}

TEST_CASE("table makes a paper's table") {
    compare_with(
        "table",
        {"marginalia table lattice", "marginalia table lattice --rows learning_rate --columns channels --metric kl",
         "marginalia table lattice -r learning_rate -c channels -m kl --format latex",
         "marginalia table lattice -r learning_rate -m kl,nll_bits --format markdown",
         "marginalia table lattice -r channels -c learning_rate -m kl --format csv",
         "marginalia table lattice -r seed -m kl --format json", "marginalia table lattice -r learning_rat"});
}

TEST_CASE("a [table] puts ours beside the published figures") {
    namespace store = marginalia::store;
    const fs::path file = place().folder / "paper.db";
    fs::copy_file(place().folder / "marginalia.db", file);
    store::Store results = store::Store::open(file);
    for (const store::TrialId trial : {4, 5, 6}) results.set_final_metric(trial, "kl_bound", 0.05 + 0.01 * trial);
    std::string toml = read(fs::path(MARGINALIA_SOURCE_DIR) / "tests/golden/paper_table.toml");
    for (std::size_t at = 0; (at = toml.find('\'', at)) != toml.npos; at += 2) toml.insert(at, "'");
    results.connection().execute("UPDATE sweep SET toml = '" + toml + "' WHERE experiment = 'lattice'");
    const std::string table = "marginalia --store paper.db table lattice";
    compare_with("paper_table",
                 {table, "COLUMNS=100 " + table, "COLUMNS=90 " + table + " --format markdown",
                  table + " --format latex", table + " --format csv 2> words; cat words",
                  table + " --format json 2> /dev/null", table + " -m kl", "marginalia --store paper.db table single"});
    const std::string four = R"(columns = ["nll_bits", "free_energy", "kl", "marginal_seconds"])";
    const std::string more =
        R"(columns = ["nll_bits", "free_energy", "kl", "marginal_seconds", "step_secnds", "kl_estimate"])";
    REQUIRE(toml.find(four) != toml.npos);
    toml.replace(toml.find(four), four.size(), more);
    results.connection().execute("UPDATE sweep SET toml = '" + toml + "' WHERE experiment = 'lattice'");
    for (const store::TrialId trial : {1, 2, 3}) results.set_final_metric(trial, "kl_estimate", 0.05 + 0.01 * trial);
    compare_with("paper_table_blocks", {"COLUMNS=100 " + table, "COLUMNS=80 " + table, "COLUMNS=50 " + table});
}

TEST_CASE("compare and diff put trials side by side") {
    compare_with("compare", {"marginalia compare 1 4 13", "marginalia compare 1 4 --format csv", "marginalia diff 1 13",
                             "marginalia diff 1 1", "marginalia diff 4 5 --format json"});
}

TEST_CASE("compare --seeds tests differences over seeds") {
    compare_with(
        "compare_seeds",
        {"marginalia compare 1 4 --seeds", "marginalia compare 1 4 7 --seeds -m kl,spearman",
         "marginalia compare 1 4 --seeds -m kl --format json", "marginalia compare 1 4 --seeds --where 'not seed = 2'",
         "marginalia compare 1 13 11 --seeds -m kl", "marginalia compare 1 10 --seeds -m kl",
         "marginalia compare 1 2 --seeds", "marginalia compare 1 4 --seeds -m kll", "marginalia compare 1 4 -m kl",
         "marginalia compare --where 'trial in (1, 4)' | head -4", "marginalia compare --where 'seed = 7'",
         "marginalia compare 1 --where 'seed = 7'", "marginalia compare 1"});
}

TEST_CASE("the summary that ends a run shows the newest run of the file, by configuration") {
    const fs::path file = place().folder / "marginalia.db";
    marginalia::store::Store store = marginalia::store::Store::open_to_read(file);
    std::ostringstream text;
    for (const char* experiment : {"lattice", "single"}) {
        marginalia::print_summary(store, experiment, text);
        text << '\n';
    }
    const fs::path expected = fs::path(MARGINALIA_SOURCE_DIR) / "tests/golden/summary.expected";
    if (std::getenv("MARGINALIA_UPDATE_GOLDEN")) write(expected, text.str());
    CHECK(text.str() == read(expected));
}

TEST_CASE("the summary warns of figures that cannot be") {
    namespace store = marginalia::store;
    const auto summary = [](const std::map<std::string, double>& finals) {
        const fs::path file = place().folder / "warnings.db";
        fs::remove(file);
        store::Store results = store::Store::open(file);
        const auto id = results.enqueue({"odd", "", "odd.toml", "", "{}", {{"{}", "0123456789abcdef", 0}}}).front().id;
        CHECK(results.claim(id, store::this_process(), "cpu", 1));
        for (const auto& [name, value] : finals) results.set_final_metric(id, name, value);
        results.set_status(id, store::Status::done);
        std::ostringstream text;
        marginalia::print_summary(results, "odd", text);
        return text.str();
    };
    const auto has = [](const std::string& text, const std::string& part) {
        return text.find(part) != std::string::npos;
    };
    const std::string wrong_log_z =
        "kl is below 0 by 300 standard errors, which cannot be: the energy's log Z is wrong";
    CHECK(has(summary({{"kl", -3}, {"kl_stderr", 0.01}}), wrong_log_z));
    CHECK(!has(summary({{"kl", -0.02}, {"kl_stderr", 0.01}}), "below 0"));  // 2 standard errors: chance
    const std::string impossible = summary({{"kl", HUGE_VAL}, {"impossible", 0.25}});
    CHECK(has(impossible, "25 % of the model's states have log f = -infinity"));
    CHECK(has(impossible, "∞"));
    CHECK(has(summary({{"kl", HUGE_VAL}, {"impossible", 1}}), "\nall of the model's states have log f"));
    CHECK(has(summary({{"kl", NAN}, {"impossible", 0.25}}), "NaN"));
    CHECK(!has(summary({{"kl", 1}}), "-infinity"));

    const auto magnetised = [&](double model, double reference_error) {
        return summary({{"observable.magnetisation", model},
                        {"observable.magnetisation_stderr", 0.003},
                        {"observable.magnetisation_reference", 0.025},
                        {"observable.magnetisation_reference_stderr", reference_error}});
    };
    CHECK(has(magnetised(-0.925, 0.004),
              "observable.magnetisation of trial 1 is 190 standard errors off its reference states' (-0.925 and "
              "0.025): the model may have lost a part of the target\n"));
    CHECK(!has(magnetised(-0.925, 0.4), "standard errors off"));  // chains that say little
    CHECK(!has(magnetised(0.04, 0.004), "standard errors off"));  // 3: chance
    CHECK(has(summary({{"clipped", 0.9}}),
              "train.clip shortened the gradient in 90 % of the steps, which bends what is learnt"));
    CHECK(!has(summary({{"clipped", 0.02}}), "train.clip"));
}

TEST_CASE("what is not finite is shown in one way, and asked for is what is ranked") {
    namespace store = marginalia::store;
    const fs::path file = place().folder / "infinite.db";
    fs::copy_file(place().folder / "marginalia.db", file);
    store::Store results = store::Store::open(file);
    for (const store::TrialId trial : {4, 7, 8, 9}) results.set_final_metric(trial, "kl", HUGE_VAL);
    results.set_final_metric(13, "free_energy", -HUGE_VAL);
    const store::MetricPoint last{"loss", 2100, HUGE_VAL, static_cast<double>(marginalia::testing::sample_time)};
    results.add_metrics(8, {&last, 1});
    const std::string program = "marginalia --store infinite.db ";
    compare_with(
        "infinite",
        {program + "list -m kl,loss",
         program +
             "list -m kl,free_energy -n 5 --format csv | cut -d, -f1,2,3,4 --complement | rev | cut -d, -f1-4 | rev",
         program + "list -n 1 --format json -m free_energy", program + "show 7 | grep -A4 'final metrics'",
         program + "show 8 | grep '^loss'", program + "show 13 --format json | grep free_energy", program + "best kl",
         program + "table lattice -m kl,loss", program + "table lattice -r seed -m loss",
         program + "best loss -e lattice", program + "table lattice -m kl --format csv",
         program + "table lattice -m kl --format json", program + "table lattice -m kl --format latex",
         program + "compare 4 5 13 | grep -E 'what|kl|free_energy'", program + "diff 7 11",
         program + "query \"SELECT trial_id, value FROM final_metrics WHERE name = 'kl' AND trial_id > 8\"",
         program +
             "query \"SELECT trial_id, value FROM final_metrics WHERE name = 'kl' AND trial_id > 8\" --format csv",
         program +
             "query \"SELECT trial_id, value FROM final_metrics WHERE name = 'kl' AND trial_id > 8\" --format json",
         program + "export final -t 7 | grep ,kl,"});
    std::ostringstream summary;
    marginalia::print_summary(results, "lattice", summary);
    CHECK(summary.str().find(" (1 of 3 ∞)") != std::string::npos);
    CHECK(place().run(program + "report lattice -o infinite.html").code == 0);
    const std::string page = read(place().folder / "infinite.html");
    CHECK(page.find("[\"Infinity\",null,0]") != std::string::npos);
    CHECK(page.find(":inf") == std::string::npos);
}

TEST_CASE("best:METRIC is the highest where the metric should be high") {
    namespace store = marginalia::store;
    const fs::path file = place().folder / "directions.db";
    store::Store results = store::Store::open(file);
    const auto planned = results.enqueue(
        {"odd", "", "odd.toml", "", "{}", {{"{}", "0123456789abcdef", 0}, {"{}", "0123456789abcdef", 1}}});
    for (const int at : {0, 1}) {
        CHECK(results.claim(planned[at].id, store::this_process(), "cpu", 1));
        for (const char* metric : {"ranking_spearman", "nll_bits"})
            results.set_final_metric(planned[at].id, metric, 0.5 + at);
        results.set_status(planned[at].id, store::Status::done);
    }
    const auto shown = [](const std::string& name) {
        return place().run("marginalia show " + name + " --store directions.db").text.substr(0, 7);
    };
    CHECK(shown("best:nll_bits") == "trial 1");
    CHECK(shown("best:ranking_spearman") == "trial 2");
    CHECK(shown("best:ranking_spearman:min") == "trial 1");
}

TEST_CASE("plot draws curves and histograms by characters, and refuses what it cannot draw") {
    const std::string plot = "marginalia plot ", blocks = " --format blocks --size 70x18";
    compare_with("plot", {plot + "loss -e lattice" + blocks, plot + "kl 1 4 --log --format text --size 60x14",
                          plot + "kl -e lattice --against loss --where 'channels = 16'" + blocks,
                          plot + "loss 13 --against seconds" + blocks, plot + "kl loss --histogram -e lattice" + blocks,
                          plot + "marginal_rmse_by_size -e lattice --where 'seed = 0'" + blocks,
                          plot + "free_energy -e lattice", plot + "loss --log", plot + "kll", plot + "loss 99",
                          plot + "loss --against nothing", plot + "loss -e lattice --where 'kl > 99'",
                          plot + "loss --size 3x4", plot + "loss -o loss.gif", plot + "loss --format jpeg"});
}

}  // namespace golden
