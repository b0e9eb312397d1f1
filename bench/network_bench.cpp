// How far passes and training steps of each network are from the products and convolutions that they need.
//
//   network_bench [--json FILE] [--network NAME] [--threads 1,2] [--rounds 5]
//
// A pass is one forward and backward: the joint pass of mam-energy where the network is measured on an energy, else the
// conditionals of half-known states, or the exact marginals of full ones. A step is a whole training step of the same
// objective as a worker runs it. The floor of either is the time of bare operators of the shapes that it cannot do
// without (needed_work.h), in the same process, at the same precision and number of threads. The shares are those of a
// pass on one thread: of the time in LibTorch's operators, what products and convolutions, copies, fills and the rest
// took.
//
// Prints a table, and the median and extremes of each figure over the rounds as JSON (compare.py); exit code 1 where a
// ratio misses what we aim at.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <torch/version.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "bench/needed_work.h"
#include "bench/operator_times.h"
#include "bench/timing.h"
#include "bench/training_steps.h"
#include "kernel/spec/precision.h"
#include "kernel/worker/machine/autocast.h"
#include "kernel/worker/model/trial_parts.h"
#include "tests/worker/trial_fixture.h"

using namespace marginalia;

namespace {

constexpr double aim_pass[] = {1.5, 2.0}, aim_step[] = {1.7, 2.3};  // float32, bfloat16

struct Case {
    const char* name;
    const char* shown;
    const char* network;  // its table in the experiment
    const char* states;   // [energy] or the shape of a data set's row, as NumPy writes it
    std::int64_t sites, categories, batch;
    const char* objective;
    void (*pass)(NeededWork&, const Network&, std::int64_t rows);
    void (*draws)(NeededWork&, std::int64_t rows);  // forward passes of the sampler in a step; nullptr for data

    bool energy() const { return draws != nullptr; }
    bool exact() const { return std::string_view(objective) == "circuit-mle"; }
    std::int64_t rows() const { return energy() ? 3 * batch : batch; }  // of a pass
};

constexpr const char* ising = "plugin = \"ising\"\nrows = 10\ncolumns = 10\ncoupling = 0.2\nfield = 0.2\n";

void lattice_layers(NeededWork& work, std::int64_t rows, std::int64_t across) {
    work.convolution(
        {.rows = rows, .height = across, .width = across, .inputs = 3, .outputs = 32, .from_input = false});
    for (int l = 2; l <= 5; ++l)
        work.convolution({.rows = rows, .height = across, .width = across, .inputs = 32, .outputs = 32});
}

// The patch of ising-quick's sampler, ten sites a step.
void lattice_patches(NeededWork& work, std::int64_t rows) {
    for (int site = 0; site < 10; ++site)
        for (std::int64_t across = 9; across >= 1; across -= 2)
            work.convolution({.rows = rows,
                              .height = across,
                              .width = across,
                              .inputs = across == 9 ? 3 : 32,
                              .outputs = 32,
                              .padded = false});
}

void perceptron(NeededWork& work, std::int64_t rows, std::int64_t inputs, std::int64_t hidden) {
    work.product(rows, inputs, hidden, false);
    for (int l = 2; l <= 4; ++l) work.product(rows, hidden, hidden);
}

void unet_pass(NeededWork& work, const Network&, std::int64_t rows) {
    const auto blocks = [&](int convolutions, std::int64_t across, std::int64_t channels) {
        for (int i = 0; i < convolutions; ++i)
            work.convolution(
                {.rows = rows, .height = across, .width = across, .inputs = channels, .outputs = channels});
    };
    work.convolution({.rows = rows, .height = 14, .width = 14, .inputs = 16, .outputs = 64, .from_input = false});
    blocks(2 * 2 * 2, 14, 64);  // two blocks down and two up
    work.convolution({.rows = rows, .height = 7, .width = 7, .inputs = 64, .outputs = 128, .stride = 2});
    blocks(2 * 4, 7, 128);
    for (int i = 0; i < 2; ++i) {
        work.product(rows * 49, 128, 3 * 128);
        work.attention(rows, 4, 49, 32);
        work.product(rows * 49, 128, 128);
    }
    work.product(rows * 49, 128, 64);
    work.product(rows * 196, 64, 128);
    work.product(rows * 784, 32, 2);
}

void transformer_pass(NeededWork& work, const Network&, std::int64_t rows) {
    constexpr std::int64_t length = 250, width = 192;
    work.product(rows * length, 29, width, false);
    for (int l = 0; l < 4; ++l) {
        work.product(rows * length, width, 3 * width);
        work.attention(rows, 3, length, 64);
        work.product(rows * length, width, width);
        work.product(rows * length, width, 4 * width);
        work.product(rows * length, 4 * width, width);
    }
    work.product(rows * length, width, 27);
}

void recurrent_pass(NeededWork& work, const Network&, std::int64_t rows) {
    constexpr std::int64_t length = 250, width = 64;
    work.product(rows * length, 29, width, false);
    for (int direction = 0; direction < 2; ++direction) {
        work.product(rows * length, width, 3 * width);
        work.chain(length, rows, width, 3 * width);
    }
    work.product(rows * length, 2 * width, 4 * width);
    work.product(rows * length, 4 * width, 2 * width);
    work.product(rows * length, 2 * width, 27);
}

// Every sum of the circuit is a product of its weights (regions, outputs, terms) with its terms.
void einet_pass(NeededWork& work, const Network& network, std::int64_t rows) {
    for (const auto& [name, weights] : network.named_parameters())
        if (name == "mix" || name.starts_with("sum"))
            work.batch(weights.size(0), rows, weights.size(2), weights.size(1));
}

const Case cases[] = {
    {"lattice-conv", "lattice-conv 5 x 32, 10x10 Ising", "plugin = \"lattice-conv\"\nchannels = 32\nlayers = 5", ising,
     100, 2, 128, "mam-energy", [](NeededWork& w, const Network&, std::int64_t rows) { lattice_layers(w, rows, 10); },
     lattice_patches},
    {"mlp", "mlp 4 x 2048, 10x10 Ising", "plugin = \"mlp\"\nhidden = 2048\nlayers = 4", ising, 100, 2, 512,
     "mam-energy", [](NeededWork& w, const Network&, std::int64_t rows) { perceptron(w, rows, 300, 2048); },
     [](NeededWork& w, std::int64_t rows) {
         for (int site = 0; site < 10; ++site) perceptron(w, rows, 300, 2048);
     }},
    {"unet", "unet cpu, 28x28", "plugin = \"unet\"", "28, 28", 784, 2, 32, "ao-arm", unet_pass, nullptr},
    {"transformer", "transformer cpu-small, 250 of 27", "plugin = \"transformer\"", "250", 250, 27, 16, "ao-arm",
     transformer_pass, nullptr},
    {"recurrent", "recurrent 64, 250 of 27", "plugin = \"recurrent\"\nwidth = 64", "250", 250, 27, 32, "ao-arm",
     recurrent_pass, nullptr},
    {"einet", "einet quad-graph 64, 28x28", "plugin = \"einet\"\nsums = 64", "28, 28", 784, 2, 128, "circuit-mle",
     einet_pass, nullptr},
    {"mps", "mps 32, 100", "plugin = \"mps\"\nbond = 32", "100", 100, 2, 128, "circuit-mle",
     [](NeededWork& w, const Network&, std::int64_t rows) { w.chain(100, rows, 32, 32); }, nullptr},
};

// Random symbols as a .npy file of bytes; the header's length of 118 makes the data begin at a multiple of 64.
std::string random_rows_file(const Case& c) {
    constexpr std::int64_t rows = 100;
    const auto path = std::filesystem::temp_directory_path() / fmt::format("network_bench_{}.npy", c.sites);
    std::string header = fmt::format("{{'descr': '|u1', 'fortran_order': False, 'shape': ({}, {}), }}", rows, c.states);
    header.resize(117, ' ');
    const at::Tensor x = at::randint(c.categories, {rows, c.sites}, at::kByte);
    std::ofstream file(path, std::ios::binary);
    file << "\x93NUMPY" << '\x01' << '\0' << '\x76' << '\0' << header << '\n';
    file.write(static_cast<const char*>(x.const_data_ptr()), x.numel());
    return path.string();
}

TrialRequest request_for(const Case& c, bool bfloat16) {
    const std::string states =
        c.energy() ? fmt::format("[energy]\n{}[sampler]\nplugin = \"block-gibbs\"\nsites = 10\n", c.states)
                   : fmt::format("[dataset]\nplugin = \"table\"\nfile = \"{}\"\ncategories = {}\n", random_rows_file(c),
                                 c.categories);
    return request_of(fmt::format(
        "name = \"bench\"\n{}[network]\n{}\n[objective]\nplugin = \"{}\"\n[evaluation]\nsamples = 0\nnll_samples = 0\n"
        "marginal_states = 0\n[train]\nlog_every = 1\nsteps = 7\nbatch = {}\nprecision = \"{}\"\n",
        states, c.network, c.objective, c.batch, bfloat16 ? "bfloat16" : "float32"));
}

// The passes that a step has, with nothing else, and the operators they cannot do without.
class Passes {
public:
    Passes(const Case& c, bool bfloat16)
        : case_(c), bfloat16_(bfloat16), parts_(build_trial(request_for(c, false), shipped_plugins())),
          pass_(bfloat16 ? at::kBFloat16 : at::kFloat), draws_(bfloat16 ? at::kBFloat16 : at::kFloat) {
        c.pass(pass_, *parts_.network, c.rows());
        if (c.draws) c.draws(draws_, c.batch);
        const at::Tensor x = at::randint(c.categories, {c.rows(), c.sites}, at::kLong);
        x_ = c.exact() ? x : x.masked_fill(at::rand(x.sizes()) < 0.5, c.categories);
        site_ = at::randint(c.sites, {c.batch}, at::kLong);
    }

    void run() {
        at::Tensor value;
        {
            const Autocast autocast(bfloat16_, at::kCPU);
            value = sum();
        }
        value.backward();
        for (at::Tensor parameter : parts_.network->parameters()) parameter.mutable_grad().reset();
    }

    void run_floor() { pass_.forward(), pass_.backward(); }
    void run_floor_of_draws() { draws_.forward(); }

private:
    at::Tensor sum() {
        if (case_.exact()) return parts_.network->log_marginal(x_).sum();
        if (!case_.energy()) return parts_.network->conditional_logits(x_).sum();
        const auto joint = parts_.network->joint(x_, site_);
        return joint.log_marginal.sum() + joint.logits.sum();
    }

    const Case& case_;
    const bool bfloat16_;
    TrialParts parts_;
    NeededWork pass_, draws_;
    at::Tensor x_, site_;
};

// A figure of each round.
struct Figure {
    std::vector<double> rounds;

    double value() const { return median(rounds); }
    nlohmann::json json() const {
        return {{"median", value()},
                {"least", *std::min_element(rounds.begin(), rounds.end())},
                {"most", *std::max_element(rounds.begin(), rounds.end())}};
    }
};

// The median of as many calls as take a twentieth of a second, three at least.
double call_seconds(const std::function<void()>& body) {
    std::vector<double> calls;
    for (double all = 0; calls.size() < 3 || (all < 0.05 && calls.size() < 50); all += calls.back())
        calls.push_back(seconds(body));
    return median(calls);
}

class Bench {
public:
    Bench(std::vector<int> threads, int rounds) : threads_(std::move(threads)), rounds_(rounds) {}

    void measure(const Case& c) {
        for (const bool bfloat16 : {false, true}) {
            if (bfloat16 && (c.exact() || !processor_has_bfloat16())) continue;
            for (const int threads : threads_) measure(c, bfloat16, threads);
        }
    }

    bool good() const { return good_; }
    const nlohmann::json& results() const { return results_; }

private:
    void measure(const Case& c, bool bfloat16, int threads) {
        at::set_num_threads(threads);
        Passes passes(c, bfloat16);
        Figure floor, pass, step, step_floor;
        passes.run(), passes.run_floor(), passes.run_floor_of_draws();
        for (int round = 0; round < rounds_; ++round) {
            floor.rounds.push_back(call_seconds([&] { passes.run_floor(); }));
            pass.rounds.push_back(call_seconds([&] { passes.run(); }));
            const double draws = c.draws ? call_seconds([&] { passes.run_floor_of_draws(); }) : 0;
            step_floor.rounds.push_back(floor.rounds.back() + draws);
            step.rounds.push_back(median(step_seconds(request_for(c, bfloat16))));
        }
        at::set_num_threads(1);
        const OperatorTimes times = operator_times([&] { passes.run(); });
        const double pass_ratio = pass.value() / floor.value(), step_ratio = step.value() / step_floor.value();
        const bool aimed = !c.exact();  // the circuits are for their exactness
        const bool missed = aimed && (pass_ratio > aim_pass[bfloat16] || step_ratio > aim_step[bfloat16]);
        good_ &= !missed;
        if (results_.empty()) print_head();
        fmt::print(
            "{:<33} {:<8} {:>2}  {:8.2f} {:8.2f} {:6.2f}   {:8.2f} {:8.2f} {:6.2f}   {:3.0f} {:3.0f} {:3.0f} {:3.0f} "
            "%{}\n",
            c.shown, bfloat16 ? "bfloat16" : "float32", threads, 1e3 * floor.value(), 1e3 * pass.value(), pass_ratio,
            1e3 * step_floor.value(), 1e3 * step.value(), step_ratio, share(times, times.products),
            share(times, times.copies), share(times, times.fills), share(times, times.element_wise),
            missed ? "  missed" : "");
        std::fflush(stdout);
        nlohmann::json slowest = nlohmann::json::array();
        for (std::size_t i = 0; i < std::min<std::size_t>(8, times.slowest.size()); ++i)
            slowest.push_back({times.slowest[i].first, share(times, times.slowest[i].second)});
        results_.push_back({{"network", c.name},
                            {"case", c.shown},
                            {"precision", bfloat16 ? "bfloat16" : "float32"},
                            {"threads", threads},
                            {"floor_seconds", floor.json()},
                            {"pass_seconds", pass.json()},
                            {"step_floor_seconds", step_floor.json()},
                            {"step_seconds", step.json()},
                            {"pass_per_floor", pass_ratio},
                            {"step_per_floor", step_ratio},
                            {"products_percent", share(times, times.products)},
                            {"copies_percent", share(times, times.copies)},
                            {"fills_percent", share(times, times.fills)},
                            {"element_wise_percent", share(times, times.element_wise)},
                            {"slowest_percent", slowest}});
    }

    static double share(const OperatorTimes& times, double part) { return 100 * part / times.total(); }

    static void print_head() {
        fmt::print("{:<33} {:<8} {:>2}  {:>8} {:>8} {:>6}   {:>8} {:>8} {:>6}   products, copies, fills,\n", "",
                   "precision", "", "floor", "pass", "pass/", "floor of", "step", "step/");
        fmt::print("{:<33} {:<8} {:>2}  {:>8} {:>8} {:>6}   {:>8} {:>8} {:>6}   the rest of a pass\n", "network", "",
                   "thr", "ms", "ms", "floor", "step ms", "ms", "floor");
    }

    const std::vector<int> threads_;
    const int rounds_;
    bool good_ = true;
    nlohmann::json results_ = nlohmann::json::array();
};

std::string processor() {
    std::ifstream file("/proc/cpuinfo");
    for (std::string line; std::getline(file, line);)
        if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
    return "unknown";
}

}  // namespace

int main(int argc, char** argv) {
    const int cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
    std::string json, network;
    std::vector<int> threads = cores > 1 ? std::vector{1, 2} : std::vector{1};
    int rounds = 5;
    CLI::App app("passes and steps of the networks beside the operators they need");
    app.add_option("--json", json, "file for the figures");
    app.add_option("--network", network, "only this one");
    app.add_option("--threads", threads, "numbers of threads, such as 1,2")->delimiter(',');
    app.add_option("--rounds", rounds, "of which the median is printed")->check(CLI::Range(1, 1000));
    CLI11_PARSE(app, argc, argv);
    configure_torch(cores);
    Bench bench(threads, rounds);
    for (const Case& c : cases)
        if (network.empty() || network == c.name) bench.measure(c);
    if (!json.empty())
        std::ofstream(json) << nlohmann::json{{"processor", processor()},
                                              {"cores", cores},
                                              {"torch", TORCH_VERSION},
                                              {"bfloat16_instructions", processor_has_bfloat16()},
                                              {"rounds", rounds},
                                              {"cases", bench.results()}}
                                   .dump(1)
                            << "\n";
    return bench.good() ? 0 : 1;
}
