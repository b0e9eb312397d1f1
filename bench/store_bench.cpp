// What the store costs, beside raw SQLite doing the same work in the same run. Prints a table; exits with 1 where a
// figure misses its target. Takes a folder to work in; a disk rather than memory, to be fair to neither.
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "bench/command.h"
#include "store/connection.h"
#include "store/queries.h"
#include "store/writer.h"

using namespace marginalia::store;
namespace fs = std::filesystem;

namespace {

constexpr int trials = 20;
constexpr int steps = 5'000;
constexpr std::int64_t points_in_all = std::int64_t{trials} * steps * 5;
const std::vector<std::string> names{"loss", "grad_norm", "free_energy", "learning_rate", "penalty"};

double seconds_of(const auto& work) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double median(std::vector<double> values) {
    std::ranges::sort(values);
    return values[values.size() / 2];
}

struct Folder {
    explicit Folder(const fs::path& where) : path(where / fmt::format("marginalia-bench-{}", getpid())) {
        fs::create_directories(path);
    }
    ~Folder() { fs::remove_all(path); }
    fs::path fresh(const std::string& name) const {
        for (const auto* suffix : {"", "-wal", "-shm"}) fs::remove((path / name).string() + suffix);
        return path / name;
    }
    fs::path path;
};

PlannedSweep plan(int configs, int seeds) {
    PlannedSweep sweep{"bench", "", "bench.toml", "name = \"bench\"\n", "{}", {}};
    const std::string rest(600, 'x');
    for (int c = 0; c < configs; ++c)
        for (int s = 0; s < seeds; ++s)
            sweep.trials.push_back(
                {fmt::format(R"({{"train":{{"rate":{},"rest":"{}"}}}})", c, rest), fmt::format("{:032x}", c), s});
    return sweep;
}

double value_of(int step, std::size_t name) { return std::sin(0.001 * step + static_cast<double>(name)); }

// The reference: the same table, one prepared statement, 1,000 rows a transaction, nothing else kept up to date.
double raw_seconds(const fs::path& file) {
    sqlite3* db = nullptr;
    sqlite3_open(file.c_str(), &db);
    const auto sql = [db](const char* text) { sqlite3_exec(db, text, nullptr, nullptr, nullptr); };
    sql("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; CREATE TABLE metric(trial INTEGER, metric INTEGER, "
        "step INTEGER, value REAL, time INTEGER NOT NULL, PRIMARY KEY(trial, metric, step)) WITHOUT ROWID");
    sqlite3_stmt* insert = nullptr;
    sqlite3_prepare_v2(db, "INSERT INTO metric VALUES (?,?,?,?,?)", -1, &insert, nullptr);
    const double took = seconds_of([&] {
        int rows = 0;
        for (int trial = 1; trial <= trials; ++trial)
            for (int step = 1; step <= steps; ++step)
                for (std::size_t name = 0; name < names.size(); ++name) {
                    if (rows % 1000 == 0) sql(rows == 0 ? "BEGIN" : "COMMIT; BEGIN");
                    ++rows;
                    sqlite3_bind_int64(insert, 1, trial);
                    sqlite3_bind_int64(insert, 2, static_cast<std::int64_t>(name) + 1);
                    sqlite3_bind_int64(insert, 3, step);
                    sqlite3_bind_double(insert, 4, value_of(step, name));
                    sqlite3_bind_int64(insert, 5, step * 100);
                    sqlite3_step(insert);
                    sqlite3_reset(insert);
                }
        sql("COMMIT");
    });
    sqlite3_finalize(insert);
    sqlite3_close(db);
    return took;
}

// Ours: through the writer's thread, with summaries, from the making of the points to the last commit.
double writer_seconds(const fs::path& file, int lot) {
    auto store = Store::open(file);
    const auto planned = store.enqueue(plan(trials, 1));
    Writer writer(std::move(store));
    writer.flush();
    return seconds_of([&] {
        for (const auto& trial : planned) {
            std::vector<MetricPoint> points;
            for (int step = 1; step <= steps; ++step) {
                for (std::size_t name = 0; name < names.size(); ++name)
                    points.push_back({names[name], step, value_of(step, name), *trial.created + 0.1 * step});
                if (step % lot == 0) writer.metrics(trial.id, std::exchange(points, {}));
            }
            writer.metrics(trial.id, std::move(points));
        }
        writer.flush();
    });
}

double bytes_a_point(const fs::path& file) {
    auto store = Store::open(file);
    store.connection().execute("PRAGMA wal_checkpoint(TRUNCATE)");
    Rows row(store.connection(),
             "SELECT sum(pgsize) FROM dbstat WHERE name IN ('metric', 'summary', 'summary_by_last')");
    row.next();
    return row.real(0) / static_cast<double>(points_in_all);
}

// As training does it: five points a step, some trials at a time, so that every batch touches every curve's end.
double bytes_a_point_interleaved(const fs::path& file) {
    auto store = Store::open(file);
    const auto planned = store.enqueue(plan(trials, 1));
    for (int first = 1; first <= steps; first += 10)
        for (const auto& trial : planned) {
            std::vector<MetricPoint> points;
            for (int step = first; step < first + 10; ++step)
                for (std::size_t name = 0; name < names.size(); ++name)
                    points.push_back({names[name], step, value_of(step, name), *trial.created + 0.1 * step});
            store.add_metrics(trial.id, points);
        }
    return bytes_a_point(file);
}

void fill_thousand(const fs::path& file) {
    auto store = Store::open(file);
    for (const auto& trial : store.enqueue(plan(250, 4))) {
        std::vector<MetricPoint> points;
        for (int step = 1; step <= 1000; ++step)
            points.push_back({"kl", step, std::fmod(static_cast<double>(trial.id) * 0.618, 1.0) + 1.0 / step,
                              *trial.created + step});
        store.transaction([&] {
            store.add_metrics(trial.id, points);
            if (trial.id % 2 == 0) store.set_final_metric(trial.id, "kl", points.back().value);
            store.set_status(trial.id, Status::done);
        });
    }
}

double command_seconds(const fs::path& store, std::vector<std::string> words) {
    words.insert(words.end(), {"--store", store.string()});
    return run_command(MARGINALIA_PROGRAM, std::move(words)).wall;
}

int missed = 0;

void line(const std::string& what, double value, const std::string& unit, double target, bool at_least) {
    const bool met = at_least ? value >= target : value <= target;
    missed += met ? 0 : 1;
    fmt::print("{:<62} {:>10.4g} {:<10} {} {:<8.4g} {}\n", what, value, unit, at_least ? ">=" : "<=", target,
               met ? "met" : "MISSED");
}

}  // namespace

int main(int argc, char** argv) {
    const Folder folder(argc > 1 ? fs::path(argv[1]) : fs::temp_directory_path());
    std::vector<double> raw, lots, singles;
    for (int i = 0; i < 5; ++i) {
        raw.push_back(raw_seconds(folder.fresh("raw.db")));
        lots.push_back(writer_seconds(folder.fresh("lots.db"), 20));
        singles.push_back(writer_seconds(folder.fresh("singles.db"), 1));
    }
    const auto rate = [](double seconds) { return static_cast<double>(points_in_all) / seconds; };
    fmt::print("{} points of {} trials and {} metrics, median of 5\n", points_in_all, trials, names.size());
    fmt::print("{:<62} {:>10.0f} points/s\n", "raw SQLite, 1,000 rows a transaction", rate(median(raw)));
    fmt::print("{:<62} {:>10.0f} points/s\n", "writer, 100 points a call", rate(median(lots)));
    fmt::print("{:<62} {:>10.0f} points/s\n", "writer, 5 points a call", rate(median(singles)));
    line("writer / raw SQLite, 100 points a call", median(raw) / median(lots), "x", 0.8, true);
    line("writer / raw SQLite, 5 points a call", median(raw) / median(singles), "x", 0.8, true);
    line("a point on disk, one trial after another", bytes_a_point(folder.path / "lots.db"), "bytes", 45, false);
    line("a point on disk, 20 trials at once", bytes_a_point_interleaved(folder.fresh("mixed.db")), "bytes", 45, false);

    std::vector<double> enqueue;
    for (int i = 0; i < 3; ++i) {
        auto store = Store::open(folder.fresh("plan.db"));
        const auto sweep = plan(2'500, 4);
        enqueue.push_back(seconds_of([&] { store.enqueue(sweep); }));
    }
    line("10,000 trials queued", median(enqueue), "s", 0.3, false);
    std::vector<double> chosen;
    for (int i = 0; i < 21; ++i)
        chosen.push_back(1e3 * command_seconds(folder.path / "plan.db",
                                               {"list", "--where", "train.rate >= 100 and not (tag = bad or kl < 1)"}));
    line("`marginalia list --where` of those, from start to end", median(chosen), "ms", 50, false);

    const auto thousand = folder.fresh("thousand.db");
    fill_thousand(thousand);
    std::vector<double> open, best, configs, list_command, best_command;
    for (int i = 0; i < 21; ++i) {
        std::optional<Store> store;
        open.push_back(1e3 * seconds_of([&] { store.emplace(Store::open_to_read(thousand)); }));
        best.push_back(1e3 * seconds_of([&] { best_trials(*store, {.metric = "kl", .experiment = "bench"}); }));
        list_command.push_back(1e3 * command_seconds(thousand, {"list"}));
        best_command.push_back(1e3 * command_seconds(thousand, {"best", "kl"}));
        configs.push_back(1e3 * seconds_of([&] { best_configs(*store, {.metric = "kl", .experiment = "bench"}); }));
    }
    line("best 10 of 1,000 trials x 1,000 points, in a store just opened", median(best), "ms", 1, false);
    line("`marginalia list` of that store, from start to end", median(list_command), "ms", 30, false);
    line("`marginalia best kl` of that store, from start to end", median(best_command), "ms", 50, false);
    fmt::print("{:<62} {:>10.4g} ms\n", "best 10 configurations by mean over 4 seeds", median(configs));
    fmt::print("{:<62} {:>10.4g} ms\n", "opening that store to read", median(open));
    return missed == 0 ? 0 : 1;
}
