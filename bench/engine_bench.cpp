// What the bench itself costs: recording a point, a trivial trial in a warm worker, planning and queueing a large grid.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include "bench/command.h"
#include "kernel/host/run/scheduler.h"
#include "kernel/host/run/work_list.h"
#include "kernel/worker/pipe_recorder.h"

namespace {

using namespace marginalia;
namespace fs = std::filesystem;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

void print(const char* what, double value, const char* unit, const char* target) {
    std::printf("%-58s %10.3f %-4s %s\n", what, value, unit, target);
}

void print(const std::string& what, const Spent& trial, const char* target) {
    std::printf("%-58s %10.3f ms   %.3f ms of CPU in the host %s\n", what.c_str(), 1e3 * trial.wall, 1e3 * trial.cpu,
                target);
}

// Mean time of Recorder::metric while another thread takes the records from the pipe, as the host does.
double microseconds_per_metric() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return -1;
    std::thread host([end = ends[0]] {
        FrameReader reader;
        FrameReader::Frame frame;
        while (reader.read_from(end) > 0)
            while (reader.next(frame)) {
            }
    });
    constexpr int count = 1'000'000;
    double seconds = 0;
    {
        PipeRecorder recorder(ends[1]);
        const char* names[] = {"loss", "reinforce_loss", "penalty", "learning_rate"};
        const auto start = Clock::now();
        for (int i = 0; i < count; ++i) recorder.metric(names[i % 4], i / 4, i);
        seconds = seconds_since(start);
    }
    ::close(ends[1]);
    host.join();
    ::close(ends[0]);
    return 1e6 * seconds / count;
}

std::string experiment_text(int trials) {
    return "name = \"bench\"\n[energy]\nplugin = \"fake\"\ncheckpoint_every = 0\n[network]\nplugin = \"fake\"\n"
           "[objective]\nplugin = \"fake\"\n[train]\nsteps = 1\n[run]\ndevice = \"fake:0\"\n"
           "[sweep]\n\"train.learning_rate\" = { lin = [1e-3, 2e-3], n = " +
           std::to_string(trials) + " }\n";
}

class SilentProgress final : public Progress {
    void line(const std::string& text) override { std::fprintf(stderr, "%s\n", text.c_str()); }
    void ended(const RunningTrial&, const std::string&) override {}
    void show(const std::vector<const RunningTrial*>&, const Totals&) override {}
};

// Trials one after another in one worker that already runs, from the first claim to the last commit.
Spent spent_per_trial(const Experiment& experiment, ReadyWorker ready, store::Store store) {
    const auto stored = store.enqueue(planned(experiment, "{}"));
    const WorkList work = work_list(experiment, stored, std::vector<std::string>(stored.size()), {});
    store::Writer writer(std::move(store));
    SilentProgress progress;
    StopSignals signals;
    ScheduleOptions options;
    options.slots = {{"fake:0", 1}};
    Scheduler scheduler(writer, progress, signals, options);
    scheduler.adopt(std::move(ready));
    ScheduleResult result;
    const Spent spent = spent_by([&] {
        result = scheduler.run(work.jobs);
        writer.flush();
    });
    if (result.done != stored.size())
        std::fprintf(stderr, "only %zu of %zu trials ended well\n", result.done, stored.size());
    return spent / static_cast<double>(stored.size());
}

Spent spent_per_trial(const fs::path& folder, int count) {
    ReadyWorker ready = start_worker(fetch_catalogue({FAKE_PLUGINS}), 1);
    const Experiment experiment = parse_experiment(experiment_text(count), folder / "bench.toml", {}, ready.catalogue);
    return spent_per_trial(experiment, std::move(ready), store::Store::open(folder / "trials.db"));
}

// Each starts from the network of a first stage of its own, of which the store has as many.
// `by_config`: that is named; else the experiment is, and it is the first trial of the same seed.
Spent spent_per_second_stage(const fs::path& folder, int count, bool by_config) {
    ReadyWorker ready = start_worker(fetch_catalogue({FAKE_PLUGINS}), 1);
    fs::remove(folder / "stages.db");
    store::Store store = store::Store::open(folder / "stages.db");
    store::PlannedSweep first{"first", "", "first.toml", "", "{}", {}};
    const std::string config =
        parse_experiment(experiment_text(1), folder / "first.toml", {}, ready.catalogue).trials.front().config.dump();
    std::string starts;
    for (int i = 0; i < count; ++i) {
        first.trials.push_back({config, "first-" + std::to_string(i), 0});
        starts += (i > 0 ? ", \"first@first-" : "\"first@first-") + std::to_string(i) + "\"";
    }
    store.transaction([&] {
        for (const store::Trial& trial : store.enqueue(first)) {
            store.claim(trial.id, store.this_run(), "cpu", 1);
            store.add_checkpoint(trial.id, 1, std::string(16, 'x'), {});
            store.set_final_metric(trial.id, "kl", 1e9);
            store.set_status(trial.id, store::Status::done);
        }
    });
    const std::string text =
        by_config ? experiment_text(1) + "\"train.start_from\" = [" + starts + "]\n" : experiment_text(count);
    const std::vector<std::string> overrides(by_config ? 0 : 1, "train.start_from=first");
    const Experiment experiment = parse_experiment(text, folder / "second.toml", overrides, ready.catalogue);
    return spent_per_trial(experiment, std::move(ready), std::move(store));
}

// The least that anything storing a trial must do: one transaction when it starts, one when it ends.
double raw_milliseconds_per_trial(const fs::path& folder, int count) {
    sqlite3* database = nullptr;
    sqlite3_open((folder / "raw.db").c_str(), &database);
    const auto run = [&](const char* sql) { sqlite3_exec(database, sql, nullptr, nullptr, nullptr); };
    run("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; CREATE TABLE trial(id INTEGER PRIMARY KEY, status TEXT)");
    const auto start = Clock::now();
    for (int i = 0; i < count; ++i) {
        run("INSERT INTO trial(status) VALUES ('running')");
        run("UPDATE trial SET status = 'done' WHERE id = last_insert_rowid()");
    }
    const double milliseconds = 1e3 * seconds_since(start) / count;
    sqlite3_close(database);
    return milliseconds;
}

double seconds_to_queue(const fs::path& folder, int count) {
    const PluginCatalogue plugins = fetch_catalogue({FAKE_PLUGINS});
    const auto start = Clock::now();
    const Experiment experiment = parse_experiment(experiment_text(count), folder / "grid.toml", {}, plugins);
    store::Store store = store::Store::open(folder / "grid.db");
    const auto stored = store.enqueue(planned(experiment, "{}"));
    const WorkList work = work_list(experiment, stored, std::vector<std::string>(stored.size()), {});
    const double seconds = seconds_since(start);
    if (work.jobs.size() != static_cast<std::size_t>(count))
        std::fprintf(stderr, "%zu jobs instead of %d\n", work.jobs.size(), count);
    return seconds;
}

}  // namespace

int main() {
    ::setenv("MARGINALIA_WORKER", FAKE_WORKER, 0);
    std::string name = (fs::temp_directory_path() / "marginalia-bench-XXXXXX").string();
    if (!::mkdtemp(name.data())) return 1;
    const fs::path folder = name;
    print("recording a metric point, in the training thread", microseconds_per_metric(), "us", "(target 1)");
    print("a trivial trial in a warm worker, end to end", spent_per_trial(folder, 1000), "(target 1)");
    print("  two raw SQLite transactions, for comparison", raw_milliseconds_per_trial(folder, 1000), "ms", "");
    for (const bool by_config : {true, false})
        for (const int count : {2000, 8000})
            print("a second stage, of " + std::to_string(count) + (by_config ? " with a first each" : " from the same"),
                  spent_per_second_stage(folder, count, by_config), "");
    print("a grid of 10,000 trials, planned and queued", seconds_to_queue(folder, 10000), "s", "(target 1)");
    fs::remove_all(folder);
}
