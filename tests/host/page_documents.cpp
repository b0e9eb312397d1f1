// What the page asks for, from stores whose figures are known.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ctime>

#include "kernel/base/digest.h"
#include "kernel/host/page/base64.h"
#include "kernel/host/page/documents.h"
#include "kernel/host/page/html.h"
#include "kernel/host/page/report.h"
#include "kernel/host/results/where.h"
#include "store/live.h"
#include "store/remarks.h"
#include "tests/store/store_testing.h"

namespace page_documents {

using namespace marginalia;
using page::Json;
using store::Status;
using store::TemporaryFolder;

// One experiment of two targets: couplings 0.1 and 0.5, each with two rates and two seeds.
store::PlannedSweep two_targets() {
    store::PlannedSweep sweep{"targets",
                              "two of them",
                              "/here/targets.toml",
                              "name = \"targets\"\n[energy]\nplugin = \"ising\"\n",
                              R"({"host":"node1","code":{}})",
                              {}};
    for (const double coupling : {0.1, 0.5})
        for (const double rate : {0.5, 0.25})
            for (const std::int64_t seed : {0, 1})
                sweep.trials.push_back(
                    {fmt::format(R"({{"energy":{{"coupling":{},"plugin":"ising"}},"train":{{"rate":{}}}}})", coupling,
                                 rate),
                     fmt::format("{:02}{:02}", coupling * 10, rate * 100), seed});
    return sweep;
}

void finish(store::Store& store, store::TrialId trial, const std::map<std::string, double>& finals) {
    REQUIRE(store.claim(trial, store::this_process(), "cpu", 1));
    for (const auto& [name, value] : finals) store.set_final_metric(trial, name, value);
    store.set_status(trial, Status::done);
}

Json experiment(store::Store& store, const std::string& name, const std::string& where = {}) {
    const auto results = load_results(store, {.experiment = name, .only = chosen_by(store, where)});
    return page::experiment_document(store, results, where, 7);
}

std::size_t count_of(const std::string& text, const std::string& piece) {
    std::size_t count = 0;
    for (std::size_t at = 0; (at = text.find(piece, at)) != text.npos; at += piece.size()) ++count;
    return count;
}

Json embedded_in(const std::string& page) {
    const std::string mark = "id=\"embedded\">";
    const std::size_t begin = page.find(mark) + mark.size();
    return Json::parse(page.substr(begin, page.find("</script>", begin) - begin));
}

TEST_CASE("an experiment's configurations have means, errors and counts, and belong to targets") {
    TemporaryFolder folder;
    auto store = store::Store::open(folder / "a.db");
    const auto trials = store.enqueue(two_targets());
    // Seeds of 1 and 3: a mean of 2, a standard error of sqrt(2)/sqrt(2) = 1.
    for (std::size_t i = 0; i < trials.size(); ++i)
        finish(store, trials[i].id, {{"kl", 1.0 + 2.0 * (i % 2) + 10.0 * (i / 2)}, {"kl_stderr", 0.25}});
    store.set_final_metric(trials[7].id, "kl", HUGE_VAL);
    const Json json = experiment(store, "targets");
    CHECK(json["revision"] == 7);
    CHECK(json["keys"].size() == 2);
    CHECK(json["keys"][0] == Json{{"key", "energy.coupling"}, {"short", "coupling"}, {"numeric", true}});
    CHECK(json["shared"] == Json::parse(R"([["energy.plugin","ising"]])"));
    CHECK(json["targets"] == Json::array({{{"label", "ising, coupling = 0.1"}}, {{"label", "ising, coupling = 0.5"}}}));
    REQUIRE(json["groups"].size() == 4);
    CHECK(json["metrics"].size() == 1);
    CHECK(json["metrics"][0]["name"] == "kl");
    CHECK(json["metrics"][0]["goal"] == "low");
    CHECK(json["groups"][0]["finals"] == Json::array({{2, 1, 2}}));
    CHECK(json["groups"][1]["finals"] == Json::array({{12, 1, 2}}));
    CHECK(json["groups"][3]["finals"] ==
          Json::array({{31, 0.25, 1}}));  // the one that is finite, by its samples' error
    CHECK(json["groups"][2]["target"] == 1);
    CHECK(json["groups"][2]["values"] == Json{"0.5", "0.5"});
    REQUIRE(json["trials"].size() == 8);
    CHECK(json["trials"][7]["finals"] == Json{"Infinity"});
    CHECK(json["trials"][7]["group"] == 3);
    CHECK(json["trials"][2]["finals"] == Json{11.0});
    CHECK(json["statuses"]["oom"]["mood"] == "bad");
    CHECK(!json["provenance"].contains("code"));
    CHECK(experiment(store, "targets", "rate = 0.5 and coupling = 0.1")["groups"].size() == 1);

    const page::Headline headline = page::headline_of(load_results(store, {.experiment = "targets"}));
    CHECK(headline.seeds == 2);
    CHECK(headline.best["value"] == 2);
    CHECK(headline.best["target"] == "ising, coupling = 0.1");  // never that of the other
    CHECK_THROWS_WITH(page::experiment_named(store, "x\n"), "there is no experiment 'x\\n' in this store");
}

// 100,000 points of 0, but for a peak and a trough of one point each.
store::TrialId long_curve(store::Store& store) {
    const auto trial = store.enqueue(store::plan("long", 1)).front().id;
    REQUIRE(store.claim(trial, store::this_process(), "cpu", 1));
    std::vector<store::MetricPoint> points;
    const double began = *store.find(trial)->started;
    for (std::int64_t step = 0; step < 100'000; ++step)
        points.push_back({"loss", step, step == 70'007 ? 5.0 : step == 333 ? -3.0 : 0.0, began + 0.001 * step});
    points[9].value = std::nan("");
    store.add_metrics(trial, points);
    return trial;
}

TEST_CASE("a curve keeps its extremes however few points are left of it, and is read more finely in part") {
    TemporaryFolder folder;
    auto store = store::Store::open(folder / "a.db");
    const store::TrialId trial = long_curve(store);
    const auto curve = [&](const page::CurveView& view) {
        return page::curves_document(store, "loss", {trial}, view)["curves"][std::to_string(trial)];
    };
    for (const std::size_t points : {2, 50, 500}) {
        const Json thinned = curve({.points = points});
        CHECK(thinned["n"] == 99'999);
        REQUIRE(thinned["x"].size() <= points);
        CHECK(thinned["x"].size() + 1 >= points);
        CHECK(std::ranges::is_sorted(thinned["x"].get<std::vector<double>>()));
        for (const char* list : {"y", "low", "high"}) CHECK(thinned[list].size() == thinned["x"].size());
        CHECK(std::ranges::max(thinned["high"].get<std::vector<double>>()) == 5);
        CHECK(std::ranges::min(thinned["low"].get<std::vector<double>>()) == -3);
    }
    const Json part = curve({.points = 500, .from = 70'000, .to = 70'020});
    CHECK(part["x"].size() == 21);
    CHECK(!part.contains("low"));  // each point stands for itself
    CHECK(part["x"][7] == 70'007);
    CHECK(part["y"][7] == 5);
    CHECK(curve({.from = 200'000}).is_null());
    const Json timed = curve({.points = 100, .seconds = true});
    REQUIRE(timed["seconds"].size() == timed["x"].size());
    for (std::size_t i = 0; i < timed["x"].size(); ++i)
        CHECK(timed["seconds"][i].get<double>() == doctest::Approx(timed["x"][i].get<double>() / 1000).epsilon(0.02));
    CHECK_THROWS_WITH(page::curves_document(store, "los", {trial}, {}), "there is no metric 'los' in these trials");
}

TEST_CASE("few points come as they are, and pair correlations stand over distances") {
    TemporaryFolder folder;
    auto store = store::Store::open(folder / "a.db");
    const auto trial = store.enqueue(store::plan("few", 1)).front().id;
    REQUIRE(store.claim(trial, store::this_process(), "cpu", 1));
    const std::vector<store::MetricPoint> points = {{"pair_correlation", 1, 0.5, 1},
                                                    {"pair_correlation", 2, HUGE_VAL, 1},
                                                    {"pair_correlation", 100, 0.125, 1},
                                                    {"marginal_rmse_by_size", 1, 0.1, 1},
                                                    {"marginal_rmse_by_size", 2, 0.2, 1},
                                                    {"loss", 0, 1, 1},
                                                    {"loss", 9, 1, 1}};
    store.add_metrics(trial, points);
    const Json curve = page::curves_document(store, "pair_correlation", {trial}, {})["curves"][std::to_string(trial)];
    CHECK(curve == Json{{"x", {1, 100}}, {"y", {0.5, 0.125}}, {"n", 2}});
    std::map<std::string, Json> axes;
    const Json few = experiment(store, "few");
    for (const Json& metric : few["metrics"]) axes[metric["name"]] = metric["axis_title"];
    CHECK(axes["pair_correlation"] == "distance [sites]");
    CHECK(axes["marginal_rmse_by_size"] == "sites in the subset");
    CHECK(axes["loss"] == "training step");
}

// A page as it stands in a file, taken apart by the rules of HTML: whatever ends a script element.
TEST_CASE("nothing in a store's names, errors, tags, notes, configs, logs or samples breaks out of its text") {
    const std::string hostile =
        "</script><script>alert(1)</script><!-- \x1b]0;x\x07 \xe2\x80\xa8 \xe2\x80\xae \xff \"'&";
    TemporaryFolder folder;
    auto store = store::Store::open(folder / "a.db");
    store::PlannedSweep sweep = store::plan(hostile, 0);
    sweep.description = sweep.toml = hostile;
    const Json config = {{"energy", {{"plugin", "</script>"}}}, {"</script>", {{"<b>", "<!--"}}}};
    sweep.provenance = Json{{"host", "</script>"}, {"<!--", "x"}}.dump();
    sweep.trials = {{config.dump(), "0123", 0}, {config.dump(), "0123", 1}};
    const auto trials = store.enqueue(sweep);
    for (const auto& trial : trials) {
        REQUIRE(store.claim(trial.id, store::this_process(), hostile, 1));
        store.set_final_metric(trial.id, hostile, 1);
        const std::vector<store::MetricPoint> points = {{hostile, 0, 1, 1}, {hostile, 1, 1, 1}};
        store.add_metrics(trial.id, points);
        for (const char* kind : {"text", "svg", "states", "x"})
            store.add_sample(trial.id, hostile + kind, 1, kind, hostile);
        store.add_sample(trial.id, "drawn", 1, "states",
                         R"({"categories":2,"states":[[0,1]],"shape":[1,2],"texts":["</script>"]})");
        store::add_log(store, trial.id, {hostile});
        store::set_tag(store, trial.id, "</script>", true);
        store::add_note(store, trial.id, hostile);
        store.set_status(trial.id, Status::failed, hostile);
    }
    const std::string page = page::report_page(store, {.experiment = hostile});
    CHECK(count_of(page, "<script") == 3);  // the data, the charts, the page's own
    CHECK(count_of(page, "</script>") == 3);
    CHECK(page.find("<!--") == page.npos);
    for (const char* raw : {"\x1b", "\x07", "\xe2\x80\xa8", "\xe2\x80\xae", "\xff", "alert(1)</title>"})
        CHECK(page.find(raw) == page.npos);
    const Json data = embedded_in(page);
    CHECK(data["details"].size() == 2);
    CHECK(data["samples"]["1"].size() == 3);  // those that are what they are said to be
    const std::string shown = data["answers"]["/api/experiments"]["experiments"][0]["name"];
    CHECK(shown.starts_with("</script><script>alert(1)</script><!-- \\x1b]0;x\\x07 \\u2028 \\u202e \\xff"));
    CHECK(page::experiment_named(store, shown) == hostile);  // the page asks for it by what it was shown
    CHECK(page::curves_document(store, shown, {1}, {})["curves"]["1"]["n"] == 2);
}

TEST_CASE("JSON of a stranger that is deep, or no JSON, is shown as nothing") {
    TemporaryFolder folder;
    auto store = store::Store::open(folder / "a.db");
    store::PlannedSweep sweep = store::plan("deep", 1);
    sweep.provenance = std::string(1'000'000, '[');
    const auto trial = store.enqueue(sweep).front().id;
    const std::string deep =
        R"({"categories":2,"states":)" + std::string(1'000'000, '[') + std::string(1'000'000, ']') + "}";
    store.add_sample(trial, "deep", 1, "states", deep);
    store.add_sample(trial, "ragged", 1, "states", R"({"categories":2,"states":[[0,1],[1]],"shape":[3,4]})");
    store.add_sample(trial, "huge", 1, "states", R"({"categories":2,"states":[[99999999999]]})");
    CHECK(experiment(store, "deep")["provenance"] == Json::object());
    CHECK(page::trial_document(store, trial)["provenance"].is_null());
    const Json samples = page::samples_of_trial(store, trial);
    REQUIRE(samples.size() == 1);
    CHECK(samples[0]["states"] == Json::array({{0, 1}}));
    CHECK(samples[0]["shape"] == Json{2});
}

TEST_CASE("what runs has its progress, and what failed last its reason") {
    TemporaryFolder folder;
    auto store = store::Store::open(folder / "a.db");
    const auto trials = store.enqueue(store::plan("runs", 2, 2));
    REQUIRE(store.claim(trials[0].id, store::this_process(), "cpu", 1));
    store::write_progress(store, {{trials[0].id, {"training", 250, 1000, 50, 0}}});
    for (const std::size_t i : {1, 2}) {
        REQUIRE(store.claim(trials[i].id, store::this_process(), "cpu", 1));
        store.set_status(trials[i].id, Status::failed, fmt::format("reason {} {}", i, std::string(1000, 'x')));
    }
    const Json json = page::running_document(store, 3);
    REQUIRE(json["trials"].size() == 1);
    const Json& running = json["trials"][0];
    CHECK(running["label"] == "rate = 0, seed = 0");
    CHECK(running["done"] == 250);
    CHECK(running["of"] == 1000);
    CHECK(running["left"] == 15);
    CHECK(running["loss"].is_null());
    REQUIRE(json["failed"].size() == 2);
    CHECK(json["failed"][0]["error"].get<std::string>().size() < 350);
    CHECK(json["counts"] == Json{{"failed", 2}, {"queued", 1}, {"running", 1}});
}

TEST_CASE("the page may run its own two scripts and nothing else") {
    const std::string page = page::served_page(), policy = page::served_policy();
    std::size_t found = 0;
    for (std::size_t at = 0; (at = page.find("<s", at)) != page.npos; ++at) {
        for (const std::string name : {"script", "style"}) {
            const std::string begin = "<" + name + ">", end = "</" + name + ">";
            if (page.compare(at, begin.size(), begin) != 0) continue;
            const std::size_t from = at + begin.size();
            const std::string text = page.substr(from, page.find(end, from) - from);
            CHECK(policy.find("'sha256-" + page::base64(sha256_bytes(text)) + "'") != policy.npos);
            ++found;
        }
    }
    CHECK(found == 3);
    CHECK(policy.starts_with("default-src 'none'; script-src 'sha256-"));
    CHECK(policy.find("unsafe") == policy.npos);
    CHECK(policy.ends_with("frame-ancestors 'none'"));
    CHECK(page::base64("any carnal pleas") == "YW55IGNhcm5hbCBwbGVhcw==");
}

// Trials of 12 figures, and of 4 curves of 200 points each.
void fill(store::Store& store, int trials) {
    store::PlannedSweep sweep = store::plan("wide", trials / 4, 4);
    store.transaction([&] {
        for (const auto& trial : store.enqueue(sweep)) {
            std::map<std::string, double> finals;
            for (int i = 0; i < 12; ++i)
                finals[fmt::format("figure_{}", i)] = std::sin(static_cast<double>(trial.id * (i + 1)));
            finish(store, trial.id, finals);
            std::vector<store::MetricPoint> points;
            for (int i = 0; i < 4; ++i)
                for (std::int64_t step = 0; step < (trials > 1000 ? 2 : 200); ++step)
                    points.push_back(
                        {fmt::format("curve_{}", i), step, std::sin(static_cast<double>(step + trial.id)), 1});
            store.add_metrics(trial.id, points);
        }
    });
}

TEST_CASE("a report of 200 trials is at most 1 MB, and its size and time grow no faster than its trials") {
    TemporaryFolder folder;
    auto small = store::Store::open(folder / "small.db"), large = store::Store::open(folder / "large.db");
    fill(small, 200);
    CHECK(page::report_page(small, {.experiment = "wide"}).size() <= 1'000'000);
    fill(large, 10'000);
    const std::clock_t began = std::clock();
    const std::string page = page::report_page(large, {.experiment = "wide"});
    const double seconds = static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC;
    CHECK(seconds < 3);
    CHECK(page.size() < 10'000'000);
    const Json data = embedded_in(page);
    CHECK(data["answers"]["/api/experiment?name=wide"]["trials"].size() == 10'000);
    CHECK(data["details"].size() <= 24);
    CHECK(data["curves"]["curve_0"].size() == data["details"].size());
}

TEST_CASE("a report is of the trials that were asked for") {
    TemporaryFolder folder;
    auto store = store::Store::open(folder / "a.db");
    const auto trials = store.enqueue(two_targets());
    for (std::size_t i = 0; i < 6; ++i) finish(store, trials[i].id, {{"kl", static_cast<double>(i)}});
    const auto ids = [&](const page::ReportChoice& choice) {
        const Json data = embedded_in(page::report_page(store, choice));
        std::vector<store::TrialId> found;
        for (const Json& trial : data["answers"]["/api/experiment?name=targets"]["trials"])
            found.push_back(trial["id"]);
        return found;
    };
    CHECK(ids({.experiment = "targets"}).size() == 8);
    CHECK(ids({.experiment = "targets", .where = "kl < 3"}) == std::vector<store::TrialId>{1, 2, 3});
    CHECK(ids({.experiment = "targets", .trials = {5, 2}}) == std::vector<store::TrialId>{2, 5});
    CHECK(ids({.experiment = "targets", .where = "kl < 3", .trials = {5, 2}}) == std::vector<store::TrialId>{2});
    CHECK_THROWS_WITH(page::report_page(store, {.experiment = "targets", .where = "kl < 0"}),
                      "no trial of 'targets' is among those that were asked for");
    // The best of each target first: groups 1 and 3 by their means, then 2 and 4.
    const Json data = embedded_in(page::report_page(store, {.experiment = "targets"}));
    std::vector<std::string> order;
    for (const auto& [trial, details] : data["details"].items()) order.push_back(trial);
    CHECK(order == std::vector<std::string>{"1", "2", "5", "6", "3", "4", "7", "8"});
}

}  // namespace page_documents
