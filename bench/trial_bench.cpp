// What a trivial trial costs in a real worker that runs already, beside the same trials in one process without an
// engine: their model built, one step trained, a checkpoint made. The difference is the engine's: claims, the pipe,
// records, transactions, and the look at what the trial left changed. Takes a folder to work in.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "bench/command.h"
#include "kernel/spec/experiment.h"
#include "tests/worker/trial_fixture.h"

namespace {

using namespace marginalia;
namespace fs = std::filesystem;

constexpr int few = 100, many = 1'100, rounds = 3;

std::string sweep_of(int trials) {
    return fmt::format(R"(name = "trivial"
energy = {{ plugin = "ising", rows = 2, columns = 2 }}
network = {{ plugin = "mlp", layers = 1, hidden = 8 }}
objective = {{ plugin = "mam-energy" }}
sampler = {{ plugin = "ancestral" }}
train = {{ steps = 1, batch = 4, learning_rate = 0.001 }}
evaluation = {{ samples = 0, nll_samples = 0, marginal_states = 0 }}
run = {{ device = "cpu", slots = 1, cores = 1 }}
sweep = {{ "energy.coupling" = {{ lin = [0.1, 0.2], n = {} }} }}
)",
                       trials);
}

// Takes what is recorded and keeps none of it.
struct NoRecorder final : Recorder {
    void metric(std::string_view, std::int64_t, double) override {}
    void final_metric(std::string_view, double) override {}
    void sample(std::string_view, std::int64_t, std::string_view, std::string) override {}
    void checkpoint(std::int64_t, std::string) override {}
    void progress(std::string_view, std::int64_t, std::int64_t) override {}
    bool stop_requested() override { return false; }
};

Spent in_one_process() {
    TrialRequest request = request_of(sweep_of(2));
    NoRecorder recorder;
    const auto run = [&](int trials) {
        for (int i = 0; i < trials; ++i) {
            request.seed = i;
            run_trial(request, shipped_plugins(), recorder);
        }
    };
    run(few);
    return spent_by([&] { run(many - few); }) / (many - few);
}

Spent in_a_sweep(const fs::path& folder) {
    const auto run = [&](int trials) {
        for (const auto& old : fs::directory_iterator(folder)) fs::remove(old);
        std::ofstream(folder / "trivial.toml") << sweep_of(trials);
        return run_command(MARGINALIA_PROGRAM, {"--store", folder / "store.db", "run", folder / "trivial.toml", "-q"});
    };
    const Spent start = run(few);
    return (run(many) - start) / (many - few);
}

}  // namespace

int main(int argc, char** argv) {
    configure_torch(1);
    std::string name = (argc > 1 ? fs::path(argv[1]) : fs::temp_directory_path()) / "marginalia-bench-XXXXXX";
    if (!::mkdtemp(name.data())) return 1;
    fmt::print("a trivial trial, ms: {} of one step, of {} rounds the one of the least CPU\n", many - few, rounds);
    Spent bare{1e9, 1e9}, sweep = bare;
    const auto less = [](const Spent& a, const Spent& b) { return a.cpu < b.cpu; };
    for (int round = 0; round < rounds; ++round) {
        bare = std::min(bare, in_one_process(), less);
        sweep = std::min(sweep, in_a_sweep(name), less);
    }
    const auto print = [](const char* what, const Spent& spent) {
        fmt::print("{:<44} {:>8.2f} wall {:>8.2f} CPU\n", what, 1e3 * spent.wall, 1e3 * spent.cpu);
    };
    print("in one process, without an engine", bare);
    print("by `marginalia run`, one slot", sweep);
    print("what the engine adds (target 1)", sweep - bare);
    fs::remove_all(name);
    return sweep.cpu - bare.cpu <= 1e-3 ? 0 : 1;
}
