// Stores that SQLite opens and that hold what no marginalia writes; and `recover`.
#include <algorithm>
#include <array>
#include <cmath>

#include "store/queries.h"
#include "store/recover.h"
#include "store/schema.h"
#include "tests/store/store_testing.h"

namespace store_damage {

using namespace marginalia::store;
using Kind = StoreError::Kind;

namespace {

constexpr std::array tables{"provenance", "sweep",   "config",       "trial",      "sweep_trial", "metric_name",
                            "metric",     "summary", "final_metric", "checkpoint", "sample"};

std::string contents(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

void overwrite(const std::filesystem::path& file, std::int64_t at, const std::string& bytes) {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(at);
    stream << bytes;
}

void fill(Store& store) {
    for (const auto& trial : store.enqueue(plan("one", 3, 3))) {
        store.claim(trial.id, this_process(), "cpu", 1);
        std::vector<MetricPoint> points;
        for (int step = 0; step < 300; ++step)
            points.push_back({"loss", step, step % 50 == 7 ? std::nan("") : 1.0 / (step + 1), 2e9 + step});
        store.add_metrics(trial.id, points);
        store.set_final_metric(trial.id, "kl", 0.1 * static_cast<double>(trial.id));
        store.set_final_metric(trial.id, "impossible", 0);
        store.add_checkpoint(trial.id, 299, std::string(20'000, static_cast<char>('a' + trial.id)), {});
        store.add_sample(trial.id, "model", 299, "text", "a sample");
        store.set_status(trial.id, Status::done);
    }
}

// Every row of every table as one text.
std::vector<std::string> rows_of(Store& store, const std::string& table) {
    std::vector<std::string> rows;
    for (const auto& row : query(store, "SELECT * FROM main." + table).rows) {
        std::string text;
        for (const auto& cell : row) {
            if (const auto* whole = std::get_if<std::int64_t>(&cell)) text += fmt::format("{}|", *whole);
            if (const auto* real = std::get_if<double>(&cell)) text += fmt::format("{}|", *real);
            if (const auto* word = std::get_if<std::string>(&cell)) text += *word + "|";
            if (const auto* blob = std::get_if<Blob>(&cell)) text += fmt::format("<{}>|", blob->bytes);
        }
        rows.push_back(text);
    }
    std::ranges::sort(rows);
    return rows;
}

struct Filled {
    Filled() : file(folder / "x.db") {
        auto store = Store::open(file);
        fill(store);
    }
    std::int64_t root(const std::string& name) const {
        auto store = Store::open_to_read(file);
        return static_cast<std::int64_t>(
            number_of(store, "SELECT rootpage FROM sqlite_schema WHERE name = '" + name + "'"));
    }
    void change(const std::string& sql) const { Connection(file, Connection::Access::write).execute(sql); }
    // Every query of the reading verbs; the sentence of the first that refuses.
    Refusal read_all() const {
        return refusal([this] {
            auto store = Store::open_to_read(file);
            for (const auto& trial : list_trials(store)) {
                trial_details(store, trial.id);
                samples_of(store, trial.id);
                store.newest_checkpoint(trial.id);
                metric_curve(store, trial.id, "loss", 10);
                sweep_of(store, trial.sweep);
            }
            list_experiments(store);
            newest_sweep(store);
            best_configs(store, {.metric = "kl"});
            best_trials(store, {.metric = "kl"});
            metric_values(store, {}, true);
        });
    }
    void check_damaged(const std::string& sql, const std::string& how) const {
        CAPTURE(sql);
        change(sql);
        const auto refused = read_all();
        CHECK(refused.sentence ==
              fmt::format("store {0} is damaged ({1}); go back to a copy of it, or keep what is whole "
                          "with: marginalia recover {0} --out NEW",
                          file.string(), how));
        CHECK(refused.kind == Kind::damaged);
        // What recover makes of it is a store again.
        const auto made = folder / "made.db";
        recover_store(file, made);
        auto store = Store::open_to_read(made);
        CHECK(list_trials(store).size() == 9);
        best_configs(store, {.metric = "kl"});
        newest_sweep(store);
    }

    TemporaryFolder folder;
    std::filesystem::path file;
};

}  // namespace

TEST_CASE_FIXTURE(Filled, "rows that are missing or of the wrong type are damage, said in one sentence") {
    SUBCASE("") { check_damaged("DELETE FROM provenance", "'provenance' of a row is missing"); }
    SUBCASE("") { check_damaged("DELETE FROM config WHERE id = 1", "'config' of a row is missing"); }
    SUBCASE("") { check_damaged("DELETE FROM sweep", "the run 1 of an experiment file, which has trials, is missing"); }
    SUBCASE("") {
        check_damaged("UPDATE trial SET experiment = 'two' WHERE id = 2",
                      "no run of experiment 'two' is there, which has trials");
    }
    SUBCASE("") {
        check_damaged("UPDATE trial SET seed = 'three' WHERE id = 1", "'seed' of a row is not a whole number");
    }
    SUBCASE("") { check_damaged("UPDATE trial SET status = 'dancing' WHERE id = 1", "a trial's status is 'dancing'"); }
    SUBCASE("") { check_damaged("UPDATE final_metric SET value = 'much'", "'value' of a row is not a number"); }
    SUBCASE("") {
        check_damaged("UPDATE trial SET created = x'00ff' WHERE id = 1", "'created' of a row is not a whole number");
    }
    SUBCASE("") { check_damaged("DROP TABLE sample", "no such table: sample"); }
    SUBCASE("") { check_damaged("DROP VIEW summaries", "no such table: summaries"); }
    SUBCASE("") { check_damaged("PRAGMA user_version = -5", "its layout version is -5"); }
    SUBCASE("") { check_damaged("PRAGMA user_version = -2147483648", "its layout version is -2147483648"); }
    SUBCASE("") { check_damaged("PRAGMA user_version = 0", "it has tables and no layout version"); }
}

TEST_CASE_FIXTURE(Filled, "what recover makes of a whole store is the same store") {
    const auto before = contents(file);
    const auto result = recover_store(file, folder / "new.db");
    CHECK(contents(file) == before);
    CHECK(folder.files() == std::vector<std::string>{"new.db", "x.db"});
    auto was = Store::open_to_read(file), is = Store::open(folder / "new.db");
    for (const auto* table : tables) CHECK(rows_of(was, table) == rows_of(is, table));
    CHECK(is.newest_checkpoint(2) == std::string(20'000, 'c'));
    CHECK(result.trials.kept == 9);
    CHECK(result.points.kept == 2700);
    CHECK(result.checkpoints.kept == 9);
    CHECK(result.trials.lost + result.points.lost + result.checkpoints.lost + result.other_rows + result.stand_ins ==
          0);
    CHECK(text_of(is, "PRAGMA integrity_check") == "ok");
}

TEST_CASE_FIXTURE(Filled, "recover finds the rows where nothing leads to them") {
    SUBCASE("the schema is gone") { overwrite(file, 100, std::string(3996, '\x7f')); }
    SUBCASE("so is the header") { overwrite(file, 0, std::string(4096, '\x7f')); }
    SUBCASE("the header gives pages another size, and each an end that is not used") {
        overwrite(file, 16, std::string("\x20\x00\x02\x02\x08", 5));
    }
    SUBCASE("the roots of tables are gone") {
        // Of tables that have inner pages: nothing else than the way is on those.
        overwrite(file, (root("checkpoint") - 1) * 4096, std::string(4096, '\0'));
        CHECK(read_all().kind == Kind::damaged);
        recover_store(file, folder / "new.db");
        auto store = Store::open_to_read(folder / "new.db");
        CHECK(number_of(store, "SELECT count(*) FROM trial") == 9);
        return;
    }
    const auto result = recover_store(file, folder / "new.db");
    CHECK(result.trials.kept == 9);
    CHECK(result.points.kept == 2700);
    CHECK(result.checkpoints.kept == 9);
    CHECK_FALSE(result.perhaps_deleted);
    auto store = Store::open_to_read(folder / "new.db");
    CHECK(store.newest_checkpoint(9) == std::string(20'000, 'j'));
    CHECK(number_of(store, "SELECT sum(value) FROM final_metrics WHERE name = 'kl'") == doctest::Approx(4.5));
    CHECK(newest_sweep(store).toml == "name = \"one\"\n");
}

TEST_CASE_FIXTURE(Filled, "of two rows of one key recover keeps the one that lies in the order of the keys") {
    // A page of trials, whose first gets the number of the fifth: its key is the second byte of its cell.
    const auto bytes = contents(file);
    const auto page = static_cast<std::size_t>(root("trial") - 1) * 4096;
    const auto pointer = page + 8;
    const auto cell =
        page + static_cast<unsigned char>(bytes[pointer]) * 256 + static_cast<unsigned char>(bytes[pointer + 1]);
    const auto key = cell + (static_cast<unsigned char>(bytes[cell]) < 0x80 ? 1 : 2);
    REQUIRE(bytes[key] == 1);
    overwrite(file, static_cast<std::int64_t>(key), "\x05");
    const auto result = recover_store(file, folder / "new.db");
    CHECK(result.trials.kept == 8);
    CHECK(result.trials.lost == 1);
    auto was = Store::open_to_read(file), is = Store::open_to_read(folder / "new.db");
    CHECK(text_of(is, "SELECT config_hash || seed FROM trials WHERE trial_id = 5") == "0001beef000000011");
    CHECK(text_of(is, "SELECT experiment FROM trials WHERE trial_id = 1") == "recovered");
}

TEST_CASE_FIXTURE(Filled, "recover counts what is lost, and what others need gets a stand-in") {
    // All trials lie on one page.
    overwrite(file, (root("trial") - 1) * 4096, std::string(4096, '\0'));
    const auto result = recover_store(file, folder / "new.db");
    CHECK(result.trials.kept == 0);
    CHECK(result.trials.lost == 9);
    CHECK(result.points.kept == 2700);
    CHECK(result.stand_ins >= 9);
    auto store = Store::open_to_read(folder / "new.db");
    const auto trials = list_trials(store);
    REQUIRE(trials.size() == 9);
    CHECK(trials[0].experiment == "recovered");
    CHECK(trials[0].error == "what this trial was is lost with a damaged store");
    CHECK(metric_values(store, std::vector<TrialId>{9}).at(9).at("kl") == doctest::Approx(0.9));
}

TEST_CASE_FIXTURE(Filled, "recover reads the log of a run that was killed") {
    const auto copy = folder / "killed.db";
    {
        auto store = Store::open(file);
        store.set_final_metric(3, "kl", 42);
        std::filesystem::copy_file(file, copy);
        std::filesystem::copy_file(file.string() + "-wal", copy.string() + "-wal");
    }
    const auto before = contents(copy), log = contents(copy.string() + "-wal");
    recover_store(copy, folder / "new.db");
    CHECK(contents(copy) == before);
    CHECK(contents(copy.string() + "-wal") == log);
    auto store = Store::open_to_read(folder / "new.db");
    CHECK(number_of(store, "SELECT value FROM final_metrics WHERE trial_id = 3 AND name = 'kl'") == 42);
}

TEST_CASE_FIXTURE(Filled, "recover brings no deleted rows back") {
    bool list_broken = false;
    SUBCASE("") {}
    SUBCASE("without the list of free pages") { list_broken = true; }
    change(
        "DELETE FROM metric WHERE trial > 1; DELETE FROM summary WHERE trial > 1; DELETE FROM trial WHERE id > 8;"
        "DELETE FROM checkpoint WHERE trial > 8; DELETE FROM final_metric WHERE trial > 8; DELETE FROM sample WHERE "
        "trial > 8;"
        "DELETE FROM sweep_trial WHERE trial > 8");
    if (list_broken) overwrite(file, 32, std::string(4, '\x11'));
    const auto result = recover_store(file, folder / "new.db");
    CHECK_FALSE(result.perhaps_deleted);
    CHECK(result.points.kept == 300);
    CHECK(result.trials.kept == 8);
    CHECK(result.stand_ins == 0);
}

TEST_CASE_FIXTURE(Filled, "recover refuses names that are taken, and files with nothing of a store") {
    const auto refused = refusal([&] { recover_store(file, file); });
    CHECK(refused.sentence ==
          fmt::format("{} is there already and was left as it is; name a new file with --out", file.string()));
    std::ofstream(folder / "words.db") << "these are words, not a store, and there are some of them\n";
    CHECK(refusal([&] { recover_store(folder / "words.db", folder / "new.db"); }).sentence ==
          fmt::format("no part of a store can be read in {}; go back to a copy of it", (folder / "words.db").string()));
    CHECK(refusal([&] { recover_store(folder / "none.db", folder / "new.db"); }).kind == Kind::missing);
    CHECK(folder.files() == std::vector<std::string>{"words.db", "x.db"});
}

}  // namespace store_damage
