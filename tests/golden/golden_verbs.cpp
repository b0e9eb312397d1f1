// Every reading verb by the text it prints: the real program on the sample store, against NAME.expected. Run with
// MARGINALIA_UPDATE_GOLDEN=1 to write the expectations anew, and read the difference before committing it.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include "kernel/host/results/summary.h"
#include "store/remarks.h"
#include "tests/golden/sample_store.h"

namespace fs = std::filesystem;

namespace {

struct Outcome {
    int code;
    std::string text;
};

std::string read(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

void write(const fs::path& file, const std::string& text) { std::ofstream(file, std::ios::binary) << text; }

// A folder with the sample store, made once and removed at the end.
class Place {
public:
    Place() {
        std::string name = (fs::temp_directory_path() / "marginalia-golden-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) std::abort();
        folder = name;
        marginalia::testing::fill_sample_store(folder / "marginalia.db");
        write(folder / "text.db", "these are words, not a store\n");
        for (const char* variable : {"MARGINALIA_STORE", "MARGINALIA_PLUGIN_PATH", "COLUMNS"}) ::unsetenv(variable);
        ::setenv("TZ", "UTC", 1);
        ::setenv("SOURCE_DATE_EPOCH", std::to_string(marginalia::testing::sample_time + 7200).c_str(), 1);
    }
    ~Place() {
        std::error_code ignored;
        fs::remove_all(folder, ignored);
    }

    // The program's output, errors among it, and its exit code, as `sh` runs the line in the folder.
    Outcome run(const std::string& line) const {
        const std::string command =
            "cd " + folder.string() + " && PATH=\"" MARGINALIA_BINARY_DIR "/bin:$PATH\" " + line + " 2>&1";
        FILE* pipe = ::popen(command.c_str(), "r");
        REQUIRE(pipe != nullptr);
        Outcome outcome{0, {}};
        std::array<char, 4096> buffer;
        for (std::size_t got; (got = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
            outcome.text.append(buffer.data(), got);
        const int status = ::pclose(pipe);
        outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        return outcome;
    }

    fs::path folder;
};

const Place& place() {
    static const Place made;
    return made;
}

// A file of expectations: for each line "$ COMMAND" what it printed, then "[CODE]".
void compare_with(const std::string& name, const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) {
        const Outcome outcome = place().run(line);
        text += "$ " + line + "\n" + outcome.text + "[" + std::to_string(outcome.code) + "]\n\n";
    }
    const fs::path file = fs::path(MARGINALIA_SOURCE_DIR) / "tests/golden" / (name + ".expected");
    if (std::getenv("MARGINALIA_UPDATE_GOLDEN")) write(file, text);
    CHECK_MESSAGE(text == read(file), name << " printed:\n" << text);
}

}  // namespace

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
