// Every reading verb by the text it prints: the real program on the sample store, against NAME.expected. Run with
// MARGINALIA_UPDATE_GOLDEN=1 to write the expectations anew, and read the difference before committing it. Verbs about
// figures: golden_figures.cpp.
#include "store/remarks.h"
#include "tests/golden/golden_place.h"

namespace golden {

TEST_CASE("list shows trials, newest last, with what tells them apart") {
    compare_with("list",
                 {"marginalia list", "marginalia list lattice --status done,failed -m kl,spearman -n 3",
                  "marginalia list --experiments", "marginalia list --format csv --limit 2",
                  "marginalia list --format json --limit 1", "COLUMNS=70 marginalia list",
                  "marginalia list --status bone", "marginalia list latice", "marginalia list --status running"});
}

TEST_CASE("--where chooses trials, and conditions and queries are kept by name") {
    fs::copy_file(place().folder / "marginalia.db", place().folder / "saved.db");
    const std::string program = "marginalia --store saved.db ";
    compare_with(
        "where",
        {program + "list --where 'channels = 32 and kl < 0.03'",
         program + "list --where 'status = failed or not kl < 1'",
         program + "best kl --where 'seed in (0, 1)'",
         program + "best kl --where 'kl > 5'",
         program + "table lattice -r channels -m kl --where 'learning_rate = 0.001'",
         program + "list --where 'kl < 0.03 and tag = nothing'",
         program + "list --where 'chanels = 32'",
         program + "list --where 'kl <'",
         program + "list --where ''",
         program + "report lattice --where 'channels = 16' -o some.html 2>&1 | cut -d'(' -f1",
         "grep -c '\"where\":\"channels = 16\"' some.html",
         program + "query --save wide --where 'channels = 32'",
         program + "list --where '@wide and seed = 0'",
         program + "query --save seeds 'SELECT seed, count(*) AS trials FROM trials GROUP BY seed ORDER BY seed'",
         program + "query seeds",
         program + "query --list --format csv | cut -d, -f1-3",
         program + "query wide",
         program + "query seds",
         program + "query --save 'a b' 'SELECT 1'",
         program + "query --save x 'DELETE FROM trials'",
         program + "query --save x --where 'kll < 1'",
         program + "query --save x",
         program + "query",
         program + "query --forget seeds",
         program + "query --forget seeds",
         program + "query seeds --forget wide",
         "marginalia --store missing.db query --forget x",
         "test -e missing.db"});
}

TEST_CASE("show tells everything about a trial, by any of its names") {
    compare_with("show", {"marginalia show 1", "marginalia show 10", "marginalia show best:kl --toml",
                          "marginalia show last --format json", "marginalia show 99"});
}

TEST_CASE("logs prints what a trial has printed, harmless for a terminal") {
    compare_with("logs", {"marginalia logs 10", "marginalia logs 10 -n 1", "marginalia logs 1 -f", "marginalia logs 99",
                          "marginalia logs --help"});
}

TEST_CASE("cancel, pause and retry say what became of each trial") {
    fs::copy_file(place().folder / "marginalia.db", place().folder / "control.db");
    const std::string on = " --store control.db";
    compare_with("control",
                 {"marginalia cancel 12" + on, "marginalia cancel 12" + on, "marginalia pause 12" + on,
                  "marginalia retry 12 10" + on, "marginalia retry 12" + on, "marginalia pause 12" + on,
                  "marginalia cancel --experiment lattice" + on, "marginalia cancel 1 2" + on,
                  "marginalia pause --experiment single" + on, "marginalia cancel 99" + on, "marginalia cancel" + on,
                  "marginalia retry 1 --experiment lattice" + on, "marginalia cancel 12 --wait x" + on,
                  "marginalia cancel 1 --store missing.db", "marginalia list --status cancelled" + on,
                  "marginalia cancel --help", "marginalia retry --help"});
}

TEST_CASE("several stores are read at once") {
    const fs::path file = place().folder / "second.db";
    fs::copy_file(place().folder / "marginalia.db", file);
    {
        marginalia::store::Store other = marginalia::store::Store::open(file);
        for (const marginalia::store::TrialId trial : {4, 5, 6}) other.set_final_metric(trial, "kl", 0.001 * trial);
        other.connection().execute("UPDATE trial SET seed = seed + 100 WHERE id < 4");
    }
    const std::string both = "marginalia --store marginalia.db --store second.db ";
    compare_with("stores", {both + "list lattice -n 2", both + "list --experiments", both + "best kl -n 3",
                            both + "best kl -n 1 --format json", both + "table lattice -r channels -m kl",
                            both + "compare marginalia.db:4 second.db:4 | head -5",
                            both + "compare marginalia.db:4 second.db:4 --seeds", both + "compare 4 second.db:4",
                            both + "query 'SELECT count(*) AS trials FROM trials'",
                            both + "export final --where 'trial = 13 and tag != x' | head -3",
                            both + "export final -t second.db:4 --format json | grep '\"kl\"'", both + "show 1",
                            both + "query --list", "marginalia --store second.db --store ./second.db list",
                            "marginalia --store second.db --store missing.db list"});
}

TEST_CASE("export writes what other programs read") {
    compare_with("export",
                 {"marginalia export --format tensorboard --trial 1 --out runs", "find runs -type f",
                  "marginalia export --format tensorboard --where 'status = queued' --out none",
                  "marginalia export --format tensorboard", "marginalia export final --format tensorboard --out runs",
                  "marginalia export --format tensorboard --out marginalia.db", "marginalia export --format parquet",
                  "marginalia export trials --format parquet --out \"it's.parquet\"", "marginalia export --format xml",
                  "marginalia export final --where 'channels = 8 and seed = 7' | grep ,kl",
                  "marginalia export trials --where 'kl > 9'", "marginalia export -t 1 --where 'kl > 9'"});
}

TEST_CASE("query and export give rows to programs") {
    compare_with("query", {"marginalia query \"SELECT trial_id, name, value FROM final_metrics WHERE name = 'kl' ORDER "
                           "BY trial_id LIMIT 3\"",
                           "marginalia query \"SELECT 1 AS a, 'x,y' AS b, NULL AS c\" --format csv",
                           "marginalia query \"SELECT 1 AS a, 0.1 AS b, NULL AS c\" --format json",
                           "marginalia query 'DELETE FROM trials'", "marginalia query 'SELECT nothing FROM trials'",
                           "marginalia query 'SELECT trial_id FROM trials WHERE 0'",
                           "marginalia export final --trial 1", "marginalia export --experiment lattice | head -4",
                           "marginalia export trials --trial 10 --format json",
                           "marginalia export metrics -t 1 --out m.csv", "wc -l < m.csv"});
}

TEST_CASE("trials are tagged, noted, removed, restored and archived") {
    namespace store = marginalia::store;
    const fs::path file = place().folder / "order.db";
    fs::copy_file(place().folder / "marginalia.db", file);
    {
        store::Store results = store::Store::open(file);
        store::add_note(results, 1, "the learning rate is too high: see the spikes at step 200");
        results.connection().execute("UPDATE note SET created = 1767225600000");
    }
    fs::copy_file(place().folder / "marginalia.db", place().folder / "needs.db");
    store::Store::open(place().folder / "needs.db")
        .connection()
        .execute(
            "UPDATE config SET json = json_set(json, '$.train.start_from', 'single') WHERE id = (SELECT config FROM "
            "trial WHERE id = 12)");
    const std::string program = "marginalia --store order.db ";
    compare_with("keep_order",
                 {program + "tag 1 best:kl good",
                  program + "tag 1 good",
                  program + "tag 1 3 'not, good'",
                  program + "tag 1 2",
                  program + "tag 1 99 good",
                  program + "tag 2 later",
                  program + "tag 2 later --remove",
                  program + "list -n 13",
                  program + "list -n 13 --format csv | cut -d, -f1-4 | tail -1",
                  program + "note 1",
                  program + "note 2",
                  program + "note 2 'a second look'",
                  program + "note 2 \"$(printf 'a\\033[2Jb')\"",
                  program + "show 1 | sed -n '3,/^config/p'",
                  program + "show 1 --format json | grep -A9 '\"tags\"'",
                  program + "query 'SELECT trial_id, tags FROM trials WHERE tags IS NOT NULL'",
                  program + "restore",
                  program + "rm 4 5",
                  program + "rm 4",
                  program + "rm",
                  program + "rm -e single",
                  program + "list --experiments --format csv | cut -d, -f1-4",
                  program + "restore --format csv | cut -d, -f1-4",
                  program + "restore -e single",
                  "marginalia --store order.trash.db list -n 2 --format csv | cut -d, -f1-4",
                  program + "gc --dry-run --format csv 2> words | cut -d, -f1,2; sed 's/^[0-9.]* [kM]*B/SIZE/' words",
                  program + "gc --older-than 1 --format csv 2> words | cut -d, -f1,2 | head -2",
                  program + "restore 4 5",
                  program + "export store",
                  program + "export store -e single -o archive.db",
                  program + "export store -e single -o archive.db",
                  "marginalia --store archive.db list --format csv | cut -d, -f1-4",
                  program + "show 13 --toml > a.toml",
                  "marginalia --store archive.db show 13 --toml | diff a.toml -",
                  "marginalia --store needs.db rm 13",
                  "marginalia --store needs.db rm -e single --force"});
}

TEST_CASE("recover keeps what is whole of a damaged store, which all verbs refuse") {
    const fs::path file = place().folder / "damaged.db";
    fs::copy_file(place().folder / "marginalia.db", file);
    marginalia::store::Store::open(file).connection().execute(
        "DELETE FROM provenance; DELETE FROM config WHERE id = 1");
    compare_with("recover",
                 {"marginalia --store damaged.db table", "marginalia --store damaged.db list",
                  "marginalia --store damaged.db show 1", "marginalia doctor --store damaged.db",
                  "marginalia recover damaged.db --out recovered.db", "marginalia doctor --store recovered.db",
                  "marginalia doctor --store text.db", "marginalia doctor --store missing.db",
                  "marginalia --store recovered.db list -n 4", "marginalia recover damaged.db --out recovered.db",
                  "marginalia recover text.db --out other.db", "marginalia recover missing.db --out other.db",
                  "marginalia recover damaged.db", "test -e other.db"});
}

TEST_CASE("checkpoints are written whole, as they are in the store") {
    compare_with("checkpoint", {"marginalia checkpoint export 1 --step 3", "marginalia checkpoint export 10"});
}

TEST_CASE("the verbs that ask a model say what they want and what they refuse") {
    write(place().folder / "e.toml", "name = \"e\"\n");
    compare_with("inference",
                 {"marginalia sample --help", "marginalia complete --help", "marginalia marginals --help",
                  "marginalia sample 1 -n 0", "marginalia sample 1 -o x.pdf", "marginalia sample 1 --format pdf",
                  "marginalia marginals 1 --states s.txt -o x.png", "marginalia complete 1", "marginalia sample e.toml",
                  "marginalia sample 99", "marginalia sample 10", "marginalia sample 1 --step 3"});
}

TEST_CASE("figures of regions are asked for by names and pairs that there are") {
    compare_with(
        "figures",
        {"marginalia marginals 1", "marginalia marginals 1 --states s.txt --exact",
         "marginalia marginals 1 --region 'rows 0'", "marginalia marginals 1 --region =0",
         "marginalia marginals 1 --region 'A B=0'", "marginalia marginals 1 --region rest=0",
         "marginalia marginals 1 --region A=0 --region A=1", "marginalia marginals 1 --between A B",
         "marginalia marginals 1 --region A=0 --between A A", "marginalia marginals 1 --region A=0 --between A",
         "marginalia marginals 1 --pair 0", "marginalia marginals 1 --pair 0,-1",
         "marginalia marginals 1 --pair 0,99999999999999999999", "marginalia marginals 1 --pair 0,nan",
         "marginalia marginals 1 --region A=0 -n 1", "marginalia marginals 1 --region A=0 -o x.npy"});
}

TEST_CASE("the live view wants a terminal, and what it is to show must be there") {
    compare_with("top",
                 {"marginalia top --help", "marginalia top", "marginalia top latice", "marginalia top --metric klx",
                  "marginalia top --every 0", "marginalia --store missing.db top"});
}

TEST_CASE("serve says what it is for, and why it cannot") {
    compare_with("serve", {"marginalia serve --help", "marginalia serve --port 70000",
                           "marginalia serve --address nowhere", "marginalia --store missing.db serve",
                           "marginalia --store text.db serve", "marginalia report --help"});
}

TEST_CASE("wrong words get a sentence and the nearest right one") {
    compare_with(
        "usage",
        {"marginalia lst", "marginalia list --metrc kl", "marginalia show", "marginalia show 1 2",
         "marginalia list --format xml", "marginalia checkpoint exprt 1", "marginalia --store missing.db list",
         "marginalia --store text.db list", "MARGINALIA_STORE=missing.db marginalia list", "marginalia best --help",
         "marginalia checkpoint export --help", "marginalia checkpoint export", "marginalia lst --help",
         "marginalia list -n -3", "marginalia list -n abc", "marginalia show best:", "marginalia resume latice"});
}

TEST_CASE("a report is one page that needs nothing from outside") {
    CHECK(place().run("marginalia report lattice --out r.html").code == 0);
    const std::string page = read(place().folder / "r.html");
    CHECK(page.size() > 200000);
    CHECK(page.find("log_density returned NaN") != std::string::npos);
    CHECK(page.find("0.0294") != std::string::npos);
    for (const char* fetched : {"src=\"http", "href=\"http", "@import", "url(http", "<link rel=\"stylesheet"})
        CHECK(page.find(fetched) == std::string::npos);
    const std::string mark = "id=\"embedded\">";
    const std::size_t begin = page.find(mark) + mark.size();
    const nlohmann::json data = nlohmann::json::parse(page.substr(begin, page.find("</script>", begin) - begin));
    CHECK(data["answers"]["/api/experiment?name=lattice"]["groups"].size() == 4);
    CHECK(data["curves"].size() == 6);
    CHECK(data["samples"].size() > 4);
    CHECK(place().run("marginalia report nothing").code == 5);
}

}  // namespace golden
