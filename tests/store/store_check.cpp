// What `doctor` finds in a store.
#include "store/check.h"

#include <algorithm>

#include "store/schema.h"
#include "tests/store/full_trials.h"

using namespace marginalia::store;
using Weight = Finding::Weight;

namespace store_check {

struct Examined {
    Examined() { full_trials::filled(file, 5000); }
    void change(const std::string& sql) const { Connection(file, Connection::Access::write).execute(sql); }
    std::vector<std::string> words(Weight weight) const {
        std::vector<std::string> found;
        for (const auto& finding : examine(file))
            if (finding.weight == weight) found.push_back(finding.about + ": " + finding.words);
        return found;
    }
    // The one damage that a change does, without what to do about it.
    std::string damage_by(const std::string& sql) const {
        change(sql);
        const auto found = words(Weight::damage);
        const auto remedy = fmt::format("; marginalia recover {} --out NEW keeps what is whole", file.string());
        if (found.size() != 1 || !found[0].ends_with(remedy)) return fmt::format("{} findings", found.size());
        return found[0].substr(0, found[0].size() - remedy.size());
    }

    TemporaryFolder folder;
    const std::filesystem::path file = folder / "x.db";
};

}  // namespace store_check

using store_check::Examined;

TEST_CASE_FIXTURE(Examined, "a whole store is sound, and what it has of no use is a note") {
    CHECK(words(Weight::damage) == std::vector<std::string>{});
    CHECK(words(Weight::note) == std::vector<std::string>{});
    const auto good = words(Weight::good);
    REQUIRE(good.size() == 3);
    CHECK(good[0].starts_with("file: " + file.string() + ": "));
    CHECK(good[0].ends_with(" MB; trials: 6, experiments: 2"));
    CHECK(good[2] == "rows: fit together");
    change(
        "INSERT INTO checkpoint_piece VALUES (1, 77, 0, zeroblob(100000));"
        "UPDATE trial SET status = 'running', pid_start = 5 WHERE id = 2");
    const auto notes = words(Weight::note);
    REQUIRE(notes.size() == 2);
    CHECK(notes[0] == "trials: trials whose process is gone, which the next `marginalia run` or `resume` takes up: 1");
    CHECK(notes[1] == "room: pieces of checkpoints that were never ended: 0.1 MB; marginalia gc frees them");
    CHECK(words(Weight::damage).empty());
}

TEST_CASE_FIXTURE(Examined, "rows that do not fit together are damage, each kind in a sentence") {
    std::string sql, is;
    SUBCASE("") {
        sql = "DELETE FROM config WHERE id = 1", is = "rows of the table 'trial' whose config is missing: 2";
    }
    SUBCASE("") { sql = "DELETE FROM provenance", is = "rows of the table 'sweep' whose provenance is missing: 2"; }
    SUBCASE("") {
        sql = "INSERT INTO progress VALUES (77, 'training', 1, 2, 3)",
        is = "rows of the table 'progress' whose trial is missing: 1";
    }
    SUBCASE("") {
        sql = "INSERT INTO request VALUES (77, 'pause', 1)",
        is = "rows of the table 'request' whose trial is missing: 1";
    }
    SUBCASE("") {
        sql = "UPDATE trial SET evaluation = 99 WHERE id = 3",
        is = "rows of the table 'trial' whose evaluation is missing: 1";
    }
    SUBCASE("") {
        sql = "DELETE FROM checkpoint_piece WHERE trial = 2", is = "checkpoints without all of their pieces: 1";
    }
    SUBCASE("") {
        sql = "DELETE FROM metric WHERE trial = 2 AND step = 7",
        is = "curves whose summary counts other points than there are: 2";
    }
    SUBCASE("") { sql = "DELETE FROM metric WHERE trial = 2", is = "summaries of curves that are missing: 2"; }
    SUBCASE("") {
        sql = "UPDATE metric SET value = 'much' WHERE trial = 2 AND step = 7",
        is = "rows of the table 'metric' with a value of the wrong type: 2";
    }
    SUBCASE("") {
        sql = "UPDATE config SET json = '[1' WHERE id = 1",
        is = "rows of the table 'config' with a value of the wrong type: 1";
    }
    SUBCASE("") { sql = "UPDATE trial SET status = 'dancing' WHERE id = 3", is = "trials of no known status: 1"; }
    CHECK(damage_by(sql) == "rows: " + is);
}

TEST_CASE_FIXTURE(Examined, "tables that are not marginalia's are damage, and their rows are not looked at") {
    SUBCASE("") { CHECK(damage_by("DROP TABLE rung") == "tables: the table 'rung' is missing"); }
    SUBCASE("") { CHECK(damage_by("DROP INDEX tag_by_name") == "tables: the index 'tag_by_name' is missing"); }
    SUBCASE("") { CHECK(damage_by("DROP VIEW summaries") == "tables: the view 'summaries' is missing"); }
    SUBCASE("") {
        CHECK(damage_by("DROP VIEW summaries; CREATE VIEW summaries AS SELECT 1 AS trial_id") ==
              "tables: the view 'summaries' has other columns than marginalia gives it");
    }
    SUBCASE("") {
        CHECK(damage_by("ALTER TABLE rung RENAME COLUMN decided TO refused") ==
              "tables: the table 'rung' has another form than marginalia gives it");
    }
    SUBCASE("") {
        CHECK(damage_by("CREATE TRIGGER sly AFTER INSERT ON trial BEGIN DELETE FROM trial; END") ==
              "tables: there is a trigger 'sly', and marginalia makes none");
    }
    SUBCASE("an endless view in place of a table") {
        CHECK(damage_by("DROP TABLE saved_query; CREATE VIEW saved_query AS WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL "
                        "SELECT n + 1 FROM r) SELECT n FROM r") == "tables: the table 'saved_query' is missing");
    }
}

TEST_CASE_FIXTURE(Examined, "what is no store, of another layout or cut off is reported, and not thrown") {
    SUBCASE("words") {
        std::ofstream(file) << "some words\n";
        CHECK(words(Weight::damage)
                  .at(0)
                  .starts_with(
                      fmt::format("file: {} is not a marginalia store but a file of another kind", file.string())));
    }
    SUBCASE("of a later one") {
        change("PRAGMA user_version = 99");
        CHECK(words(Weight::damage).size() == 1);
        CHECK(words(Weight::damage)[0].find("newer") != std::string::npos);
        CHECK(words(Weight::good).size() == 1);  // the pages
    }
    SUBCASE("of an earlier one, it says") {
        change("PRAGMA user_version = 4");
        CHECK(words(Weight::damage).at(0).starts_with("tables: the table 'trial' has another form"));
    }
    SUBCASE("of an earlier one") {
        std::filesystem::remove(file);
        create_store(file, migrations().first(4));
        CHECK(words(Weight::damage).empty());
        CHECK(words(Weight::note).at(0).find("has the older layout version 4") != std::string::npos);
    }
    SUBCASE("its end") {
        std::filesystem::resize_file(file, 50'000);
        const auto found = words(Weight::damage);
        CHECK(found.at(0).find("its end is missing") != std::string::npos);
        CHECK(found.size() > 1);  // which pages
    }
}
