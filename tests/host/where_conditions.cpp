// Conditions of --where: what they mean, on the sample store, and what is refused.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <marginalia/error.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <random>

#include "kernel/host/results/where.h"
#include "store/saved.h"
#include "tests/golden/sample_store.h"

namespace where_conditions {

namespace fs = std::filesystem;
using namespace marginalia;
using Ids = std::vector<store::TrialId>;

namespace {

struct Sample {
    Sample() : folder(fs::temp_directory_path() / fmt::format("marginalia-where-{}", ::getpid())) {
        fs::create_directories(folder);
        marginalia::testing::fill_sample_store(folder / "s.db");
    }
    ~Sample() {
        std::error_code ignored;
        fs::remove_all(folder, ignored);
    }
    store::Store open() const { return store::Store::open(folder / "s.db"); }

    fs::path folder;
};

std::string refusal_of(store::Store& store, const std::string& condition) {
    try {
        trials_where(store, condition);
    } catch (const std::exception& error) {
        return error.what();
    }
    return "(nothing was thrown)";
}

std::uint64_t setting(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text != nullptr && *text != '\0' ? std::strtoull(text, nullptr, 10) : otherwise;
}

}  // namespace

// Trials 1-3: rate 1e-3, 16 channels; 4-6: 1e-3, 32; 7-9: 5e-4, 16; 10-12: 5e-4, 32, of which 10 failed, the kl of 11
// is NaN and 12 is queued; 13: experiment single, 8 channels, seed 7.
TEST_CASE("a condition finds the trials that meet it") {
    const Sample sample;
    store::Store store = sample.open();
    const auto found = [&](const std::string& condition) { return trials_where(store, condition); };

    SUBCASE("keys compare as numbers or as texts, as their values are") {
        CHECK(found("network.channels >= 9") == Ids{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
        CHECK(found("channels = 8.0") == Ids{13});
        CHECK(found("train.learning_rate<1e-3 and seed = 0") == Ids{7, 10});
        CHECK(found("energy = ising and seed = 7") == Ids{13});
        CHECK(found("energy.plugin > 3").empty());
        CHECK(found("channels > '1'").empty());
        CHECK(found("energy.plugin > 'isa' and seed = 7") == Ids{13});
        CHECK(found("energy.plugin != 3 and channels != '8'").size() == 13);
        CHECK(found("channels in (8, '16', 32.0) and seed not in (0, 1, 2)") == Ids{13});
        CHECK(found("\"network.channels\" = 8") == Ids{13});
    }
    SUBCASE("what is missing or NaN meets no comparison") {
        CHECK(found("kl < 1").size() == 10);
        CHECK(found("kl >= 0").size() == 10);
        CHECK(found("kl != 0").size() == 10);
        CHECK(found("not kl < 1") == Ids{10, 11, 12});
        CHECK(found("error != x") == Ids{10});
        CHECK(found("kl_bound < 1 or kl = nan or seed = 7") == Ids{13});  // no trial has a kl_bound
    }
    SUBCASE("a metric is its final value, else its last") {
        store.set_final_metric(5, "loss", 3);
        const store::MetricPoint later[] = {{"loss", 3000, -1000, 2e9}, {"kl", 3000, 1e6, 2e9}};
        store.add_metrics(5, later);
        store.add_metrics(6, later);
        CHECK(found("loss = 3") == Ids{5});
        CHECK(found("loss = -1000") == Ids{6});
        CHECK(found("kl > 1000").empty());
        store.set_final_metric(6, "kl", HUGE_VAL);
        CHECK(found("kl = inf") == Ids{6});
        CHECK(found("kl > 1e300 and kl <= inf and metric.kl != 1") == Ids{6});
    }
    SUBCASE("of a key and a metric of one name the key is meant") {
        store.set_final_metric(4, "channels", 1000);
        CHECK(found("channels = 1000").empty());
        CHECK(found("metric.channels = 1000") == Ids{4});
    }
    SUBCASE("columns, tags and notes") {
        store.connection().execute(
            "INSERT INTO tag VALUES (3, 'good'), (3, '64'), (4, 'fair'); "
            "INSERT INTO note(trial, created, text) VALUES (4, 0, 'run at 100 % load'), (4, 0, 'see 5')");
        CHECK(found("status = failed or status in (queued)") == Ids{10, 12});
        CHECK(found("experiment=single and host = node1 and device = cpu") == Ids{13});
        CHECK(found("trial >= 12") == Ids{12, 13});
        CHECK(found("created >= 2026-03-01T12 and created < 2026-03-02").size() == 13);
        CHECK(found("seconds > 137") == Ids{13});
        CHECK(found("error ~ 'RETURNED nan'") == Ids{10});
        CHECK(found("tag = good or tag = fair") == Ids{3, 4});
        CHECK(found("tag = 64 and tag like 'g__d'") == Ids{3});
        CHECK(found("tag != good").size() == 12);
        CHECK(found("note ~ '0 % l' and not note ~ '0_%'") == Ids{4});
    }
    SUBCASE("`and` binds closer than `or`, and `not` closer still") {
        CHECK(found("seed = 7 or seed = 0 and channels = 16") == Ids{1, 7, 13});
        CHECK(found("(seed = 7 or seed = 0) and channels = 16") == Ids{1, 7});
        CHECK(found("NOT seed = 7 AND not (seed = 0 OR seed = 1) and kl < 1") == Ids{2 + 1, 6, 9});
        CHECK(found("not not seed = 7") == Ids{13});
        CHECK(found("energy.plugin not like 'I%'").empty());
    }
    SUBCASE("a saved condition is a part like any other") {
        store::save_query(store, {"wide", true, "channels = 32 or channels = 8"});
        store::save_query(store, {"sql", false, "SELECT 1"});
        CHECK(found("@wide and seed = 7") == Ids{13});
        CHECK(found("not @wide and seed = 1") == Ids{2, 8});
        CHECK(refusal_of(store, "@wid") ==
              "no condition is saved as 'wid'; did you mean 'wide'? saved conditions: wide");
        CHECK(refusal_of(store, "@sql").starts_with("no condition is saved as 'sql'"));
    }
}

TEST_CASE("a condition that is wrong is refused in one sentence") {
    const Sample sample;
    store::Store store = sample.open();
    const std::pair<const char*, const char*> wrong[] = {
        {"", "the condition ends where a name should stand"},
        {"kl", "the condition ends where one of = != < <= > >= ~, 'in' or 'like' should stand"},
        {"kl < ", "the condition ends where a value should stand"},
        {"kl << 3", "the condition has '< 3' where a value should stand"},
        {"kl < 3 channels = 8",
         "the condition has 'channels = 8' where 'and', 'or' or the condition's end should stand"},
        {"(kl < 3", "the condition ends where ')', 'and' or 'or' should stand"},
        {"kl not < 3", "the condition has '< 3' where 'in' or 'like' should stand"},
        {"seed in 1, 2", "the condition has '1, 2' where '(' and the values should stand"},
        {"seed in (1 2)", "the condition has '2)' where ',' or ')' should stand"},
        {"tag = 'a", "the condition has a quote that does not end: 'a"},
        {"kl < abc", "'kl' is a number and cannot be compared with 'abc'"},
        {"seed ~ 1", "'seed' is a number, which 'like' and ~ cannot search"},
        {"kll < 1", "'kll' is neither a config key nor a metric nor a column of trials; did you mean 'kl'?"},
        {"network.chanels = 1",
         "'network.chanels' is neither a config key nor a metric nor a column of trials; did you mean "
         "'network.channels'?"},
        {"metric.kll < 1",
         "'metric.kll' is neither a config key nor a metric nor a column of trials; `marginalia show TRIAL` lists the "
         "keys and metrics of one"},
        {"plugin = mlp", "'plugin' may be any of energy.plugin, network.plugin, objective.plugin; write one of them"},
    };
    for (const auto& [condition, sentence] : wrong) CHECK(refusal_of(store, condition) == sentence);
    CHECK(refusal_of(store, "status = bone")
              .starts_with("'bone' is not a status; did you mean 'done'? statuses: queued,"));
}

TEST_CASE("no condition is too long, too deep or without an end") {
    const Sample sample;
    store::Store store = sample.open();
    const std::string wide(longest_condition + 1, 'a');
    CHECK(refusal_of(store, wide) == "the condition is 4001 bytes long; it may have 4000");
    const auto nested = [](int depth) { return std::string(depth, '(') + "seed = 7" + std::string(depth, ')'); };
    CHECK(trials_where(store, nested(deepest_condition - 1)) == Ids{13});
    CHECK(refusal_of(store, nested(deepest_condition)).find("within each other") != std::string::npos);
    std::string many = "seed=7";
    for (int i = 1; i < most_comparisons; ++i) many += " or seed=7";
    CHECK(trials_where(store, many) == Ids{13});
    CHECK(refusal_of(store, many + " or seed=7") == "the condition has more than 200 comparisons");
    std::string list = "seed in (7";
    while (list.size() < 3990) list += ",7";
    CHECK(trials_where(store, list + ")").size() == 1);
    CHECK(refusal_of(store, list + ") or " + list + ")").find("bytes long") != std::string::npos);
    store::save_query(store, {"list", true, list + ")"});
    CHECK(refusal_of(store, "@list or @list") == "the condition has more than 2000 values");
    store::save_query(store, {"self", true, "seed = 7 or @self"});
    CHECK(refusal_of(store, "@self").find("within each other") != std::string::npos);
    store::save_query(store, {"twice", true, "@more or @more"});
    store::save_query(store, {"more", true, "seed = 1 or @twice"});
    CHECK(refusal_of(store, "@twice").find("the condition has more than") == 0);
}

TEST_CASE("random words are answered or refused") {
    const Sample sample;
    store::Store store = sample.open();
    const std::uint64_t rounds = setting("FAULT_ROUNDS", 2000), seed = setting("FAULT_SEED", 1);
    const char* words[] = {"and", "or",   "not", "in",  "like", "(",      ")",      ",",    "=",  "!=", "<",
                           "kl",  "seed", "tag", "7",   "nan",  "-1e400", "'a b'",  "true", "?1", "--", "\xff",
                           "~",   "\"",   "@x",  "x\\", "note", "%%%",    "status", "done", "$.a"};
    const char* whole[] = {"and kl < 1", "or not tag = 'x'", "and (note ~ %_ or channels in (8, 32))"};
    std::mt19937_64 chance(seed);
    std::uint64_t answered = 0, refused = 0, faults = 0;
    for (std::uint64_t round = 0; round < rounds; ++round) {
        std::string condition = chance() % 2 == 0 ? "seed = 7" : "";
        for (std::uint64_t more = chance() % 6; more > 0; --more)
            condition += chance() % 2 == 0 ? fmt::format(" {}", whole[chance() % std::size(whole)])
                                           : std::string(chance() % 3 > 0, ' ') + words[chance() % std::size(words)];
        try {
            trials_where(store, condition);
            ++answered;
        } catch (const Error&) {
            ++refused;
        } catch (const std::exception& error) {
            ++faults;
            MESSAGE(condition << ": " << error.what());
        }
    }
    fmt::print("where_conditions: {} inputs, {} answered, {} refused, {} faults\n", rounds, answered, refused, faults);
    CHECK(answered > rounds / 20);
    CHECK(faults == 0);
}

}  // namespace where_conditions
