// Every query of docs/store.md runs as printed, on an empty store and on one with results, and so do its programs.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <sstream>

#include "store/queries.h"
#include "store/rungs.h"
#include "tests/store/store_testing.h"

namespace store_docs {

using namespace marginalia::store;

namespace {

std::vector<std::string> blocks(const std::string& language) {
    std::ifstream in(MARGINALIA_SOURCE_DIR "/docs/store.md");
    std::vector<std::string> found;
    std::string line;
    bool inside = false;
    while (std::getline(in, line)) {
        if (inside && line == "```") inside = false;
        else if (inside) found.back() += line + "\n";
        else if (line == "```" + language) inside = true, found.emplace_back();
    }
    return found;
}

void fill(Store& store) {
    auto sweep = plan("ising", 2, 3);
    for (auto& trial : sweep.trials) {
        trial.evaluation = R"({"evaluation":{"samples":10}})";
        trial.evaluation_hash = "samples-10";
    }
    for (const auto& trial : store.enqueue(sweep)) {
        store.claim(trial.id, this_process(), "cpu", 1);
        const std::vector<MetricPoint> points{{"loss", 100, 2.0, 2e9}, {"loss", 200, std::nan(""), 2e9 + 1}};
        store.add_metrics(trial.id, points);
        store.add_checkpoint(trial.id, 200, "bytes", {});
        wait_at_rung(store, trial.id, 0, 100, "loss");
        promote(store, trial.id, 0);
        store.claim(trial.id, this_process(), "cpu", 1);
        store.set_status(trial.id, Status::done);
        store.claim(trial.id, this_process(), "cpu", 1);
        store.set_final_metric(trial.id, "kl", 0.1 * static_cast<double>(trial.id));
        const bool last = trial.id == 6;
        store.set_status(trial.id, last ? Status::failed : Status::done, last ? "said so" : "");
    }
}

bool runs(const TemporaryFolder& folder, const std::string& command) {
    return std::system(fmt::format("cd '{}' && PATH=\"{}/bin:$PATH\" && {} > out.txt 2> err.txt", folder.path.string(),
                                   MARGINALIA_BINARY_DIR, command)
                           .c_str()) == 0;
}

void spoil_metrics(const std::filesystem::path& file) {
    std::int64_t page = 0;
    {
        auto store = Store::open_to_read(file);
        page = static_cast<std::int64_t>(number_of(store, "SELECT rootpage FROM sqlite_schema WHERE name = 'metric'"));
    }
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp((page - 1) * 4096);
    stream << std::string(4096, '\xff');
}

}  // namespace

TEST_CASE("the ready-made queries run on any store") {
    TemporaryFolder folder;
    auto empty = Store::open(folder / "empty.db");
    auto filled = Store::open(folder / "filled.db");
    fill(filled);
    const auto queries = blocks("sql");
    CHECK(queries.size() >= 10);
    for (const auto& sql : queries) {
        CAPTURE(sql);
        CHECK(refusal([&] { query(empty, sql); }).sentence == "(nothing was thrown)");
        const auto result = query(filled, sql);
        CHECK_FALSE(result.rows.empty());
    }
}

TEST_CASE("the query for mean and standard error agrees with `best`") {
    TemporaryFolder folder;
    auto store = Store::open(folder / "filled.db");
    fill(store);
    const auto queries = blocks("sql");
    const auto text =
        std::ranges::find_if(queries, [](const auto& sql) { return sql.find("standard_error") != sql.npos; });
    REQUIRE(text != queries.end());
    const auto result = query(store, *text);
    const auto ranked = best_configs(store, {.metric = "kl"});
    REQUIRE(result.rows.size() == ranked.size());
    for (std::size_t i = 0; i < ranked.size(); ++i) {
        CHECK(std::get<std::int64_t>(result.rows[i][2]) == ranked[i].n);
        CHECK(std::get<double>(result.rows[i][3]) == doctest::Approx(ranked[i].mean));
        CHECK(std::get<double>(result.rows[i][4]) == doctest::Approx(*ranked[i].standard_error));
    }
}

TEST_CASE("the programs of the page run where their interpreters are there") {
    TemporaryFolder folder;
    auto store = Store::open(folder / "marginalia.db");
    fill(store);
    for (const auto& program : blocks("python")) {
        std::ofstream(folder / "program.py") << program;
        const std::string needs = program.find("pandas") != program.npos         ? "pandas"
                                  : program.find("marginalia\n") != program.npos ? "marginalia, numpy"
                                                                                 : "sqlite3";
        const std::string python = "PYTHONPATH=" MARGINALIA_SOURCE_DIR "/python python3 ";
        if (!runs(folder, python + "-c 'import " + needs + "'")) {
            MESSAGE("skipped: no python3 with ", needs);
            continue;
        }
        CAPTURE(program);
        CHECK(runs(folder, python + "program.py"));
    }
}

TEST_CASE("the shell commands of the page read a store and recover a damaged one") {
    TemporaryFolder folder;
    {
        auto store = Store::open(folder / "marginalia.db");
        fill(store);
    }
    std::filesystem::copy_file(folder / "marginalia.db", folder / "damaged.db");
    spoil_metrics(folder / "damaged.db");
    if (!runs(folder, "sqlite3 -version")) {
        MESSAGE("skipped: no sqlite3 shell");
        return;
    }
    for (const auto& script : blocks("sh")) {
        CAPTURE(script);
        std::ofstream(folder / "script.sh") << script;
        CHECK(runs(folder, "sh -e script.sh"));
    }
    auto recovered = Store::open(folder / "recovered.db");
    CHECK(list_trials(recovered).size() == 6);
}

}  // namespace store_docs
