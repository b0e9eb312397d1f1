#include <doctest/doctest.h>

#include <fmt/format.h>
#include <unistd.h>
#include <fstream>
#include <map>
#include <set>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <filesystem>
#include <functional>
#include <sstream>

#include "kernel/host/results/results.h"
#include "kernel/host/results/table.h"
#include "kernel/host/results/text.h"
#include "kernel/spec/metrics.h"

using namespace marginalia;

TEST_CASE("widths count what a terminal shows, not bytes") {
    CHECK(display_width("kl") == 2);
    CHECK(display_width("θ ± 1") == 5);
    CHECK(display_width("模型") == 4);
    CHECK(display_width("e\u0301") == 1);
    CHECK(shorten("a long name", 6) == "a lon…");
    CHECK(shorten("模型模型", 5) == "模型…");
}

TEST_CASE("numbers keep the digits that matter") {
    CHECK(number_text(0.041234) == "0.04123");
    CHECK(number_text(78.688056, 8) == "78.688056");
    CHECK(number_text(1.5e-7) == "1.5e-7");
    CHECK(number_text(1e9) == "1e9");
    CHECK(number_text(-12345678912.0) == "-1.235e10");
    CHECK(number_text(2000.0) == "2000");
    CHECK(number_text(std::nan("")) == "NaN");
    CHECK(number_text(HUGE_VAL) == "∞");
    CHECK(number_text(-HUGE_VAL) == "-∞");
    CHECK(exact_text(1.5) == "1.500000");
    CHECK(exact_text(-HUGE_VAL) == "-∞");
    CHECK(number_text(std::nullopt).empty());
    CHECK(estimate_text(0.041234, 0.00312) == "0.0412 ± 0.0031");
    CHECK(estimate_text(-78.63412, 0.25) == "-78.63 ± 0.25");
    CHECK(estimate_text(1234.6, 12.0) == "1235 ± 12");
    CHECK(estimate_text(1.0, 2.0e-17) == "1 ± 0");
    CHECK(estimate_text(0.5, 2.5e-8) == "0.500000000 ± 0.000000025");
    CHECK(estimate_text(3.2e-8, 2.5e-9) == "3.2e-8 ± 2.5e-9");
    CHECK(estimate_text(0.5, std::nullopt) == "0.5");
}

TEST_CASE("durations, ages and sizes read as people say them") {
    CHECK(duration_text(0.085) == "85 ms");
    CHECK(duration_text(59.7) == "1 min");
    CHECK(duration_text(200) == "3 min 20 s");
    CHECK(duration_text(7500) == "2 h 5 min");
    CHECK(age_text(1) == "now");
    CHECK(age_text(90000) == "1 d");
    CHECK(bytes_text(512) == "512 B");
    CHECK(bytes_text(1234567) == "1.2 MB");
}

TEST_CASE("a mean over seeds has a standard error from two seeds on and leaves out what is not finite") {
    CHECK_FALSE(estimate({}).has_value());
    CHECK(std::isnan(estimate({std::nan("")})->mean));
    CHECK(estimate({HUGE_VAL, HUGE_VAL})->mean == HUGE_VAL);
    CHECK(estimate({-HUGE_VAL})->mean == -HUGE_VAL);
    CHECK(std::isnan(estimate({HUGE_VAL, -HUGE_VAL})->mean));
    CHECK(std::isnan(estimate({HUGE_VAL, std::nan("")})->mean));
    CHECK(estimate_text(*estimate({HUGE_VAL}), {}) == "∞");
    CHECK(estimate_text(*estimate({1.0, 3.0, HUGE_VAL}), 1.0) == "2.0 ± 1.0 (1 of 3 ∞)");
    CHECK(estimate_text(*estimate({1.0, HUGE_VAL, std::nan("")}), {}) == "1 (2 of 3 NaN)");
    CHECK_FALSE(estimate({2.0})->standard_error.has_value());
    const auto mean = estimate({1.0, 2.0, 3.0, std::nan("")});
    CHECK(mean->count == 3);
    CHECK(mean->mean == doctest::Approx(2));
    CHECK(*mean->standard_error == doctest::Approx(1 / std::sqrt(3)));
}

TEST_CASE("a table says what is not finite in one way, and makes foreign text harmless for people alone") {
    Table table({{"name"}, {"kl", true, "", "kl_stderr"}});
    table.add_row({"a\x1b[31m\n|\u202e", Cell("∞", {HUGE_VAL, nullptr})});
    table.add_row({"b", Cell("NaN", {std::nan(""), nullptr})});
    const auto printed = [&table](Format format) {
        std::ostringstream out;
        table.print(out, format, {});
        return out.str();
    };
    const std::string text = printed(Format::text);
    CHECK(text.find("a\\x1b[31m\\n|\\u202e    ∞\n") != text.npos);
    CHECK(text.find('\x1b') == text.npos);
    CHECK(printed(Format::markdown).find("a\\\\x1b[31m\\\\n\\|\\\\u202e") != std::string::npos);
    CHECK(printed(Format::latex).find("$\\infty$") != std::string::npos);
    CHECK(printed(Format::csv) == "name,kl,kl_stderr\n\"a\x1b[31m\n|\u202e\",Infinity,\nb,NaN,\n");
    const auto json = nlohmann::json::parse(printed(Format::json));
    CHECK(json[0]["name"] == "a\x1b[31m\n|\u202e");
    CHECK(json[0]["kl"] == "Infinity");
    CHECK(json[1]["kl"] == "NaN");
}

TEST_CASE("a table prints for terminals, spreadsheets, programs and papers") {
    Table table({{"name"}, {"kl", true, "nats", "kl_stderr"}});
    table.add_row({"a_b, \"c\"", {"0.5 ± 0.1", {0.5, 0.1}}});
    table.add_row({"second"});
    const auto printed = [&table](Format format, Screen view = {}) {
        std::ostringstream out;
        table.print(out, format, view);
        return out.str();
    };
    CHECK(printed(Format::text) == "name      kl [nats]\n────────  ─────────\na_b, \"c\"  0.5 ± 0.1\nsecond\n");
    CHECK(printed(Format::csv) == "name,kl,kl_stderr\n\"a_b, \"\"c\"\"\",0.5,0.1\nsecond,,\n");
    CHECK(printed(Format::json) ==
          "[\n {\"name\":\"a_b, \\\"c\\\"\",\"kl\":0.5,\"kl_stderr\":0.1},\n"
          " {\"name\":\"second\",\"kl\":null,\"kl_stderr\":null}\n]\n");
    CHECK(printed(Format::markdown) ==
          "| name | kl [nats] |\n| --- | ---: |\n| a_b, \"c\" | 0.5 ± 0.1 |\n| second |  |\n");
    CHECK(printed(Format::latex).find("a\\_b, \"c\" & 0.5 $\\pm$ 0.1 \\\\\n") != std::string::npos);
    CHECK(latex_text("≈ 1, ≤ 2") == "$\\approx$ 1, $\\leq$ 2");
    CHECK_THROWS_WITH(format_named("xml"), "'xml' is not a format; choose text, csv, json, markdown or latex");
}

TEST_CASE("a table on a narrow terminal cuts texts and never numbers") {
    Table table({{"settings"}, {"value", true}});
    table.add_row({"a very long description of settings", Cell::number(123456.75)});
    std::ostringstream out;
    table.print(out, Format::text, {24, false});
    CHECK(out.str().find("a very long des…") != std::string::npos);
    CHECK(out.str().find("123457") != std::string::npos);
}

TEST_CASE("configs are compared by their dotted keys; what only one plugin has goes by the plugin's name") {
    const FlatConfig a = flatten_text(R"({"network": {"plugin": "mlp", "hidden": 64}, "train": {"steps": 10}})");
    const FlatConfig b = flatten_text(R"({"network": {"plugin": "conv", "channels": 8}, "train": {"steps": 20}})");
    CHECK(a.at("network.hidden") == "64");
    CHECK(differing_keys({&a, &b}) == std::vector<std::string>{"network.plugin", "train.steps"});
    const FlatConfig c = {{"network.width", "1"}, {"train.start_from", "x@1"}},
                     d = {{"network.width", "2"}, {"train.start_from", "x@2"}};
    const FlatConfig e = {{"network.width", "2"}, {"train.start_from", "x@3"}};
    CHECK(differing_keys({&c, &d}) == std::vector<std::string>{"network.width"});
    CHECK(differing_keys({&c, &d, &e}) == std::vector<std::string>{"network.width", "train.start_from"});
    CHECK(differing_keys({&d, &e}) == std::vector<std::string>{"train.start_from"});
    CHECK(short_key("train.steps", {"train.steps", "network.plugin"}) == "steps");
    CHECK(short_key("train.steps", {"train.steps", "evaluation.steps"}) == "train.steps");
}

TEST_CASE("metrics come by importance, references apart") {
    CHECK(by_importance({"zeta", "nll_bits", "alpha", "kl"}) ==
          std::vector<std::string>{"kl", "nll_bits", "alpha", "zeta"});
    CHECK(is_reference("log_z_exact"));
    CHECK(metric_title("kl") == "kl [nats]");
    CHECK(metric_info("energy_seconds").unit == "s");
    CHECK(metric_info("energy_distance_floor").goal == Goal::none);
    CHECK(metric_title("free_energy_per_site") == "free_energy_per_site [nats/site]");
}

TEST_CASE("what is done with a metric is one table's matter") {
    CHECK(main_metrics().front() == "kl");
    CHECK(main_metrics().size() == 20);
    CHECK(told_metrics() == std::vector<std::string>{"kl", "free_energy", "nll_bits", "nll_scaled", "loss"});
    CHECK(ranking_metrics() == std::vector<std::string>{"kl", "nll_bits", "nll_scaled"});
    for (const char* drawn : {"kl", "kl_bound", "kl_estimate", "kl_per_site", "free_energy", "free_energy_bound"})
        CHECK(metric_info(drawn).drawn);
    for (const char* not_drawn : {"kl_stderr", "kl_bound_stderr", "forward_kl", "nll_bits", "made_up"})
        CHECK_FALSE(metric_info(not_drawn).drawn);
}

// Rows of docs/metrics.md: the names in the first column, the units in the second.
TEST_CASE("docs/metrics.md names every metric that is known, with its unit") {
    std::ifstream file(std::string(MARGINALIA_SOURCE_DIR) + "/docs/metrics.md");
    REQUIRE(file);
    const std::map<std::string, std::string> spelt = {
        {"nats a site", "nats/site"}, {"bits a site", "bits/site"}, {"-", ""}, {"-, 0 to 1", ""}};
    std::set<std::string> named;
    int compared = 0;
    for (std::string line; std::getline(file, line);) {
        if (!line.starts_with("| `")) continue;
        const std::size_t bar = line.find(" | ");
        std::string names = line.substr(2, bar - 2), unit = line.substr(bar + 3, line.find(" | ", bar + 3) - bar - 3);
        std::vector<std::string> row;
        for (std::size_t at = 0; (at = names.find('`', at)) != names.npos;) {
            const std::size_t end = names.find('`', at + 1);
            row.push_back(names.substr(at + 1, end - at - 1));
            at = end + 1;
        }
        named.insert(row.begin(), row.end());
        if (const auto found = spelt.find(unit); found != spelt.end()) unit = found->second;
        if (unit != "" && unit != "nats" && unit != "s" && !unit.ends_with("/site"))
            continue;  // of several units, or of none
        for (const std::string& name : row) {
            if (name.starts_with("_") || name.find("NAME") != name.npos) continue;
            INFO(name);
            CHECK(metric_info(name).unit == unit);
            ++compared;
        }
    }
    CHECK(compared > 40);
    for (const std::string& name : known_metrics()) CHECK_MESSAGE(named.contains(name), name);
}

TEST_CASE("a bound, an estimate and a standard error are explained by what they are of") {
    CHECK(metric_title("nll_bits_bound") == "nll_bits_bound [bits/site]");
    CHECK(metric_info("nll_bits_bound").about.starts_with("negative log-likelihood of reference samples; a bound"));
    CHECK(metric_info("kl_bound").about.starts_with("upper bound of kl, as log p is only bounded from above"));
    CHECK(metric_info("kl_estimate").goal == Goal::low);
    CHECK(metric_info("kl_estimate").about.ends_with("; log p or log Z is itself estimated"));
    CHECK(metric_info("kl_bound_stderr").unit == "nats");
    CHECK(metric_info("kl_bound_stderr").goal == Goal::none);
    CHECK(metric_info("kl_bound_stderr").about.starts_with("standard error of kl from"));
    CHECK(metric_info("kl_bound_stderr").about.find("; a bound") != std::string::npos);
    CHECK(metric_info("nll_bits_stderr").about == "standard error of nll_bits");
    CHECK(metric_info("log_z_estimate").about == "the running estimate of log Z");
    CHECK(metric_info("mine_estimate").about.empty());
}
