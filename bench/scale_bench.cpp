// A store of many trials and points, four seeds of each configuration, and how long the verbs take on it, each a new
// process, and the thinning of one curve.
//
//     scale_bench FOLDER [TRIALS POINTS]          10,000 trials of 1,000 points in a folder of its own there
//     scale_bench --fill FILE TRIALS POINTS       makes such a store, of one seed each, and leaves it
#include <fmt/format.h>
#include <pty.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>

#include "bench/command.h"
#include "kernel/host/run/catalogue.h"
#include "kernel/host/run/work_list.h"
#include "store/queries.h"

namespace {

using namespace marginalia;
namespace fs = std::filesystem;

constexpr int rounds = 9;

std::string experiment_text(int trials, int seeds) {
    return fmt::format(R"(name = "large"
energy = {{ plugin = "ising", rows = 4, columns = 4 }}
network = {{ plugin = "mlp", layers = 1, hidden = 8 }}
objective = {{ plugin = "mam-energy" }}
sampler = {{ plugin = "ancestral" }}
train = {{ steps = 1000, learning_rate = 0.001 }}
seeds = [{}]
sweep = {{ "train.learning_rate" = {{ lin = [1e-3, 2e-3], n = {} }} }}
)",
                       seeds == 1 ? "0" : "0, 1, 2, 3", trials / seeds);
}

double value_at(store::TrialId trial, std::int64_t step) {
    const auto x = static_cast<double>(trial);
    return std::fmod(0.6180339887 * x, 1.0) + 1 / static_cast<double>(step) +
           0.01 * std::sin(0.1 * static_cast<double>(step));
}

void add_curve(store::Store& store, const store::Trial& trial, std::int64_t points) {
    constexpr std::int64_t lot = 10'000;
    for (std::int64_t first = 1; first <= points; first += lot) {
        std::vector<store::MetricPoint> metrics;
        for (std::int64_t step = first; step < first + lot && step <= points; ++step)
            metrics.push_back(
                {"loss", step, value_at(trial.id, step), *trial.created + 0.1 * static_cast<double>(step)});
        store.add_metrics(trial.id, metrics);
    }
}

// All of them done, as if this build had run the file. `seeds` of each configuration: 1 or 4.
void fill(const fs::path& store_file, const fs::path& file, int trials, int seeds, std::int64_t points) {
    const std::string text = experiment_text(trials, seeds);
    std::ofstream(file) << text;
    const Experiment experiment = parse_experiment(text, file, {}, fetch_catalogue({MARGINALIA_PLUGIN_DIR}));
    store::Store store = store::Store::open(store_file);
    for (const store::Trial& trial : store.enqueue(planned(experiment, "{}")))
        store.transaction([&] {
            store.claim(trial.id, store.this_run(), "cpu", 1);
            add_curve(store, trial, points);
            store.set_status(trial.id, store::Status::done);  // the training, then the evaluation
            store.claim(trial.id, store.this_run(), "cpu", 1);
            store.set_final_metric(trial.id, "kl", value_at(trial.id, points));
            store.set_status(trial.id, store::Status::done);
        });
}

// From the start of `top` in a terminal of its own until the last line of its screen is drawn.
Spent first_paint(const fs::path& store) {
    const winsize size{50, 160, 0, 0};
    int screen = -1;
    const auto began = std::chrono::steady_clock::now();
    const pid_t child = ::forkpty(&screen, nullptr, nullptr, &size);
    if (child == 0) {
        ::setenv("TERM", "xterm-256color", 1);
        ::execl(MARGINALIA_PROGRAM, MARGINALIA_PROGRAM, "--store", store.c_str(), "top", nullptr);
        ::_exit(127);
    }
    std::string drawn;
    char bytes[1 << 16];
    while (drawn.find("quit") == drawn.npos) {
        const auto count = ::read(screen, bytes, sizeof bytes);
        if (count <= 0) throw std::runtime_error("`marginalia top` failed: " + drawn);
        drawn.append(bytes, static_cast<std::size_t>(count));
    }
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - began;
    ::kill(child, SIGKILL);
    rusage used{};
    ::wait4(child, nullptr, 0, &used);
    ::close(screen);
    return {wall.count(), cpu_of(used)};
}

int missed = 0;

// Of some rounds the least: others use the machine too. `target`: seconds of CPU, which on a quiet machine are those of
// the clock, as a verb is one thread; 0: none.
void measure(const std::string& what, double target, const std::function<Spent()>& once) {
    Spent least{1e9, 1e9};
    for (int round = 0; round < rounds; ++round) {
        const Spent spent = once();
        least = {std::min(least.wall, spent.wall), std::min(least.cpu, spent.cpu)};
    }
    const bool met = target == 0 || least.cpu <= target;
    missed += met ? 0 : 1;
    const std::string verdict = target == 0 ? "" : fmt::format("<= {:<6g} {}", 1e3 * target, met ? "met" : "MISSED");
    fmt::print("{:<48} {:>9.1f} wall {:>9.1f} CPU {}\n", what, 1e3 * least.wall, 1e3 * least.cpu, verdict);
}

void measure_verbs(const fs::path& store, const fs::path& file, int trials) {
    const auto last = std::to_string(trials);
    const auto verb = [&](double target, const std::vector<std::string>& words) {
        std::string text;
        for (const std::string& word : words) text += " " + (word == file ? "FILE" : word);
        measure("marginalia" + text, target, [&] {
            auto all = words;
            all.insert(all.begin(), {"--store", store});
            return run_command(MARGINALIA_PROGRAM, all);
        });
    };
    verb(0.05, {"list"});
    verb(0.05, {"best", "kl"});
    verb(0.3, {"table"});
    verb(0.03, {"show", last});
    verb(1, {"plan", file});
    verb(0, {"run", file});  // nothing is left to do; LibTorch is started to learn its version
    measure("marginalia top, first paint", 0.2, [&] { return first_paint(store); });
}

void measure_curves(const fs::path& file, std::int64_t points, int trials) {
    auto store = store::Store::open_to_read(file);
    for (const double share : {1.0, 0.3, 0.01}) {
        const auto last = static_cast<std::int64_t>(share * static_cast<double>(points));
        store::TrialId trial = 0;
        measure(fmt::format("a curve's first {} points in 500 parts", last), 0.05, [&] {
            trial = trial % trials + 1;
            return spent_by([&] { store::metric_parts(store, trial, "loss", 1, last, 500); });
        });
    }
    const double all = static_cast<double>(points) * trials;
    fmt::print("{:<48} {:>9.1f} bytes, all of the file\n", "a point", static_cast<double>(fs::file_size(file)) / all);
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> words(argv + 1, argv + argc);
    if (words.size() == 4 && words[0] == "--fill") {
        fill(words[1], words[1] + ".toml", std::stoi(words[2]), 1, std::stoll(words[3]));
        return 0;
    }
    if (words.size() != 1 && words.size() != 3) return fmt::print(stderr, "scale_bench FOLDER [TRIALS POINTS]\n"), 2;
    const int trials = words.size() == 3 ? std::stoi(words[1]) : 10'000;
    const std::int64_t points = words.size() == 3 ? std::stoll(words[2]) : 1'000;
    std::string folder = fs::path(words[0]) / "marginalia-bench-XXXXXX";
    if (!::mkdtemp(folder.data())) return 1;
    const fs::path store = fs::path(folder) / "store.db", file = fs::path(folder) / "large.toml";
    const Spent made = spent_by([&] { fill(store, file, trials, 4, points); });
    fmt::print("{} trials of {} points, written in {:.0f} s ({:.0f} s CPU); ms, the least of {} rounds\n", trials,
               points, made.wall, made.cpu, rounds);
    measure_verbs(store, file, trials);
    measure_curves(store, points, trials);
    fs::remove_all(folder);
    return missed == 0 ? 0 : 1;
}
