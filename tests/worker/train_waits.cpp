// A training step does not make the host wait for the device: every shipped objective with every network and every
// source of states, on a tiny problem. Samplers of chains on the energy draw alike, so all but one of them are tried
// with one network. With MARGINALIA_WAITS_TABLE=1 in the environment nothing is left out, and what each combination
// waits for and copies is printed (docs/performance.md).
#include <doctest/doctest.h>

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <marginalia/host.h>

#include <cstdlib>
#include <iostream>

#include "kernel/worker/machine/device_waits.h"
#include "tests/worker/rows_file.h"
#include "tests/worker/trial_fixture.h"

namespace train_waits {

using namespace marginalia;

namespace {

// Counts from the end of one step to the end of the next.
struct CountingRecorder : MemoryRecorder {
    explicit CountingRecorder(WaitCounter& counter) : counter(counter) {}

    void progress(std::string_view phase, std::int64_t done, std::int64_t total) override {
        MemoryRecorder::progress(phase, done, total);
        if (phase == "training") steps.push_back(counter.take());
        else counter.take();
    }

    void may_be_ended(double) override { counter.take(); }  // the last before the first step

    WaitCounter& counter;
    std::vector<DeviceWaits> steps;
};

struct Plugin {
    const char* shown;
    const char* table;
};

const Plugin networks[] = {
    {"lattice-conv", "plugin = \"lattice-conv\"\nchannels = 4\nlayers = 2\nsite_channels = 2"},
    {"mlp", "plugin = \"mlp\"\nhidden = 8\nlayers = 2"},
    {"recurrent", "plugin = \"recurrent\"\nwidth = 8\nbodies = 2"},
    {"transformer", "plugin = \"transformer\"\nlayers = 1\nwidth = 8\nheads = 2\nbodies = 2\nreadout = \"softmax\""},
    {"unet",
     "plugin = \"unet\"\nchannels = \"8,8\"\nblocks = \"1,1\"\nattention = \"0,1\"\nheads = 2\n"
     "group_channels = 4\nbodies = 2"},
    {"einet", "plugin = \"einet\"\nsums = 3\npiece = 1"},
    {"mps", "plugin = \"mps\"\nbond = 3"},
    {"mps born", "plugin = \"mps\"\nbond = 3\nkind = \"born\""},
    {"graph", "plugin = \"graph\"\nlayers = 1\nwidth = 8\npool = true"},
};

const Plugin objectives[] = {
    {"ao-arm", "plugin = \"ao-arm\""},
    {"arm", "plugin = \"arm\""},
    {"arm, 2 terms", "plugin = \"arm\"\nterms = 2"},
    {"arm-mc", "plugin = \"arm-mc\"\nindependent = true"},
    {"circuit-mle", "plugin = \"circuit-mle\""},
    {"circuit-mle, em", "plugin = \"circuit-mle\"\nmethod = \"em\""},
    {"gflownet-eb", "plugin = \"gflownet-eb\""},
    {"gflownet-eb, learned order", "plugin = \"gflownet-eb\"\norder = \"learned\""},
    {"gflownet-subtb", "plugin = \"gflownet-subtb\"\nlength = 3"},
    {"gflownet-tb", "plugin = \"gflownet-tb\""},
    {"gflownet-tb, backward", "plugin = \"gflownet-tb\"\npolicy = \"backward\"\ntransitions = 3"},
    {"mam-balance", "plugin = \"mam-balance\""},
    {"mam-balance, plain", "plugin = \"mam-balance\"\nforward_looking = false"},
    {"mam-distill", "plugin = \"mam-distill\"\npath_rows = 4\npath_points = 2"},
    {"mam-energy", "plugin = \"mam-energy\""},
    {"mam-heat-bath", "plugin = \"mam-heat-bath\"\nsweeps = 1"},
    {"mam-joint", "plugin = \"mam-joint\""},
    {"mam-reverse-kl", "plugin = \"mam-reverse-kl\""},
    {"pcd", "plugin = \"pcd\"\nmoves = 2"},
};

constexpr const char* ising = "[energy]\nplugin = \"ising\"\nrows = 3\ncolumns = 4\n";

// Where the states come from: rows of a data set, a sampler, or the objective itself.
struct Source {
    const char* shown;
    std::string tables;
    bool like_another = false;  // another source draws alike
};

std::vector<Source> sources(const std::string& rows) {
    const auto sampler = [](const std::string& name, const std::string& more = "") {
        return ising + ("[sampler]\nplugin = \"" + name + "\"\n" + more);
    };
    return {{"data", "[dataset]\nplugin = \"table\"\nfile = \"" + rows + "\"\ncategories = 2\n"},
            {"itself", ising},
            {"ancestral", sampler("ancestral")},
            {"ancestral, forward", sampler("ancestral", "order = \"forward\"\n")},
            {"block-gibbs", sampler("block-gibbs", "sites = 3\n")},
            {"gibbs-with-gradients", sampler("gibbs-with-gradients", "burn_in = 1\n"), true},
            {"metropolis", sampler("metropolis", "burn_in = 1\n"), true},
            {"parallel-tempering", sampler("parallel-tempering", "temperatures = 2\nburn_in = 1\n"), true},
            {"single-site-gibbs", sampler("single-site-gibbs", "burn_in = 1\n")}};
}

std::string experiment(const Plugin& objective, const Plugin& network, const std::string& source, int steps,
                       int log_every) {
    return fmt::format(
        "name = \"t\"\n{}[network]\n{}\n[objective]\n{}\n[evaluation]\nsamples = 0\nnll_samples = 0\n"
        "marginal_states = 0\n[train]\nsteps = {}\nbatch = 8\nlog_every = {}\nclip = 0.5\nema = 0.9\n",
        source, network.table, objective.table, steps, log_every);
}

// Steps 1 and 2 of three, of which the last alone is logged. Empty where the three do not go together.
std::vector<DeviceWaits> steps_of(const std::string& toml, std::string& refused) {
    try {
        const TrialRequest request = request_of(toml);
        WaitCounter counter;
        CountingRecorder recorder(counter);
        run_trial(request, shipped_plugins(), recorder);
        return recorder.steps;
    } catch (const std::exception& error) {
        refused = error.what();
        return {};
    }
}

std::string with_count(std::map<std::string, std::int64_t>& waits) {
    DeviceWaits all;
    all.waits = waits;
    return all.text();
}

}  // namespace

TEST_CASE("no step waits for the device, whatever is trained how") {
    const bool print = std::getenv("MARGINALIA_WAITS_TABLE") != nullptr;
    const RowsFile rows;
    int measured = 0;
    for (const Plugin& objective : objectives)
        for (const Source& source : sources(rows.path())) {
            std::string line;
            std::map<std::string, std::int64_t> most;
            std::int64_t out = 0, in = 0, fits = 0;
            for (const Plugin& network : networks) {
                if (source.like_another && !print && network.shown != std::string("mlp")) continue;
                std::string refused;
                const auto steps = steps_of(experiment(objective, network, source.tables, 3, 1000), refused);
                CAPTURE(std::string(objective.shown));
                CAPTURE(std::string(network.shown));
                CAPTURE(std::string(source.shown));
                if (steps.size() < 3) {
                    line += " - |";
                    if (std::getenv("MARGINALIA_WAITS_WHY"))
                        std::cout << fmt::format("{} {} {}: {}\n", objective.shown, network.shown, source.shown,
                                                 refused);
                    continue;
                }
                ++fits;
                CHECK(steps[0].text() == "");
                CHECK(steps[1].text() == "");
                line += fmt::format(" {} |", steps[1].count());
                for (const auto& [name, times] : steps[1].waits) most[name] = std::max(most[name], times);
                out = std::max(out, steps[1].to_host);
                in = std::max(in, steps[1].to_device);
            }
            measured += fits;
            if (print && fits > 0)
                std::cout << fmt::format("| {} | {} |{} {} | {} | {} |\n", objective.shown, source.shown, line, out, in,
                                         with_count(most));
        }
    CHECK(measured > 400);
    if (print) std::cout << fmt::format("{} combinations\n", measured);
}

TEST_CASE("a step that is logged copies once more, and waits for nothing else") {
    const std::string source = ising + std::string("[sampler]\nplugin = \"block-gibbs\"\n");
    std::string refused;
    const auto quiet = steps_of(experiment(objectives[14], networks[1], source, 3, 1000), refused);
    const auto logged = steps_of(experiment(objectives[14], networks[1], source, 3, 1), refused);
    REQUIRE(quiet.size() == 3);
    REQUIRE(logged.size() == 3);
    CHECK(quiet[1].to_host == 1);
    CHECK(logged[1].to_host == 2);
    CHECK(logged[1].to_device == quiet[1].to_device);
    CHECK(logged[1].text() == "");
}

namespace {

// While it lives, trials have their energies on the device, for which the CPU stands.
struct EnergiesOnDevice {
    EnergiesOnDevice() { setenv("MARGINALIA_ENERGY_ON_DEVICE", "1", 1); }
    ~EnergiesOnDevice() { unsetenv("MARGINALIA_ENERGY_ON_DEVICE"); }
};

std::map<std::pair<std::string, std::int64_t>, double> figures_of(const std::string& toml) {
    MemoryRecorder recorder;
    run_trial(request_of(toml), shipped_plugins(), recorder);
    std::erase_if(recorder.metrics, [](const auto& metric) { return metric.first.first.ends_with("_seconds"); });
    return recorder.metrics;
}

}  // namespace

TEST_CASE("with the energy on the device a step copies nothing, but states of chains that are on the host") {
    const EnergiesOnDevice there;
    int measured = 0;
    for (const Plugin& objective : objectives)
        for (const Source& source : sources("")) {
            if (source.shown == std::string("data")) continue;
            CAPTURE(std::string(objective.shown));
            CAPTURE(std::string(source.shown));
            std::string refused;
            const auto steps = steps_of(experiment(objective, networks[1], source.tables, 3, 1000), refused);
            if (steps.size() < 3) continue;
            const bool on_host =
                source.shown == std::string("metropolis") || source.shown == std::string("gibbs-with-gradients");
            for (const DeviceWaits& step : {steps[0], steps[1]}) {
                CHECK(step.text() == "");
                CHECK(step.to_host == 0);
                CHECK(step.to_device <= on_host);  // some objectives draw no states of the sampler
            }
            ++measured;
        }
    CHECK(measured > 60);
}

TEST_CASE("with the energy on the device the same is learnt") {
    const std::string toml =
        experiment(objectives[14], networks[1], ising + std::string("[sampler]\nplugin = \"block-gibbs\"\n"), 30, 1);
    const auto here = figures_of(toml);
    const EnergiesOnDevice on;
    const auto there = figures_of(toml);
    REQUIRE(here.size() == there.size());
    REQUIRE(here.contains({"loss", 30}));
    for (const auto& [name, value] : here) CHECK(there.at(name) == doctest::Approx(value).epsilon(1e-5));
}

}  // namespace train_waits
