// Seconds per training step of a network against its own forward and backward passes with nothing else, in one process.
//
//   network_bench [steps [network]]     prints a table; likelihood of random rows, float32: of networks whose marginals
//   are exact by
//                                       these, of others in any order
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include "bench/timing.h"
#include "bench/training_steps.h"
#include "kernel/worker/model/trial_parts.h"
#include "unit/trial_fixture.h"

using namespace marginalia;

namespace {

struct Case {
    const char* title;
    const char* network;  // its table in the experiment
    const char* shape;    // of a row, as NumPy writes it
    std::int64_t sites, categories, batch;
    bool exact = false;  // its marginals are
};

// The perceptron at the batch of the paper's Table 5, with the published width and with that of
// experiments/table1-mnist.toml: whatever the batch, the optimiser reads and writes 28 bytes a weight, and whatever the
// width, drawing and masking a row costs the same.
const Case cases[] = {
    {"unet cpu, 28x28", "plugin = \"unet\"", "28, 28", 784, 2, 32},
    {"transformer cpu-small, 250", "plugin = \"transformer\"", "250", 250, 27, 16},
    {"lattice-conv, 28x28", "plugin = \"lattice-conv\"\nchannels = 32\nlayers = 5", "28, 28", 784, 2, 32},
    {"mlp 4 x 2048, 28x28", "plugin = \"mlp\"\nhidden = 2048\nlayers = 4", "28, 28", 784, 2, 512},
    {"mlp 4 x 1024, 28x28", "plugin = \"mlp\"\nhidden = 1024\nlayers = 4", "28, 28", 784, 2, 512},
    {"recurrent, 250", "plugin = \"recurrent\"\nwidth = 64", "250", 250, 27, 32},
    {"einet quad-graph, 28x28", "plugin = \"einet\"\nsums = 64", "28, 28", 784, 2, 128, true},
    {"mps, 100", "plugin = \"mps\"\nbond = 32", "100", 100, 2, 128, true},
};

constexpr std::int64_t rows = 100;

// Random symbols as a .npy file of bytes; the header's length of 118 makes the data begin at a multiple of 64.
std::string random_rows_file(const Case& c) {
    const std::string path =
        (std::filesystem::temp_directory_path() / ("network_bench_" + std::to_string(c.sites) + ".npy")).string();
    std::string header =
        "{'descr': '|u1', 'fortran_order': False, 'shape': (" + std::to_string(rows) + ", " + c.shape + "), }";
    header.resize(117, ' ');
    const at::Tensor x = at::randint(c.categories, {rows, c.sites}, at::kByte);
    std::ofstream file(path, std::ios::binary);
    file << "\x93NUMPY" << '\x01' << '\0' << '\x76' << '\0' << header << '\n';
    file.write(static_cast<const char*>(x.const_data_ptr()), x.numel());
    return path;
}

TrialRequest request_for(const Case& c, const std::string& steps) {
    return request_of(
        "name = \"bench\"\n[dataset]\nplugin = \"table\"\nfile = \"" + random_rows_file(c) +
        "\"\ncategories = " + std::to_string(c.categories) + "\n[network]\n" + c.network +
        "\n[objective]\nplugin = \"" + (c.exact ? "circuit-mle" : "ao-arm") + "\"\n" +
        "[evaluation]\nsamples = 0\nnll_samples = 0\nmarginal_states = 0\n[train]\nlog_every = 1\nbatch = " +
        std::to_string(c.batch) + "\nsteps = " + steps + "\n");
}

// The passes alone: on half-known states with a gradient for every logit, or on full states with one for every log p.
class BarePasses {
public:
    BarePasses(const Case& c, const TrialRequest& request)
        : exact_(c.exact), parts_(build_trial(request, shipped_plugins())) {
        const at::Tensor x = at::randint(c.categories, {c.batch, c.sites}, at::kLong);
        x_ = exact_ ? x : x.masked_fill(at::rand(x.sizes()) < 0.5, c.categories);
        weights_ = exact_ ? at::rand({c.batch}) : at::rand({c.batch, c.sites, c.categories});
    }

    void run() {
        (exact_ ? parts_.network->log_marginal(x_) : parts_.network->conditional_logits(x_)).backward(weights_);
        for (at::Tensor parameter : parts_.network->parameters()) parameter.mutable_grad().reset();
    }

private:
    const bool exact_;
    TrialParts parts_;
    at::Tensor x_, weights_;
};

// Whether the ratio is what we aim at.
bool measure(const Case& c, const std::string& steps) {
    const TrialRequest request = request_for(c, steps);
    BarePasses passes(c, request);
    passes.run();
    std::vector<double> bare;
    const auto measure_passes = [&] {
        for (int i = 0; i < 20; ++i) bare.push_back(seconds([&] { passes.run(); }));
    };
    measure_passes();
    const std::vector<double> step = step_seconds(request);
    measure_passes();
    std::printf("%s, batch %lld, float32, %d threads\n", c.title, static_cast<long long>(c.batch),
                at::get_num_threads());
    std::printf("  training step          %8.3f s (median of %zu), %.1f rows/s\n", median(step), step.size(),
                static_cast<double>(c.batch) / median(step));
    std::printf("  its passes alone       %8.3f s (median of %zu, half before and half after)\n", median(bare),
                bare.size());
    const double ratio = median(step) / median(bare);
    std::printf("  ratio                  %8.3f (aim: 1.1%s)\n", ratio, ratio > 1.1 ? ", missed" : "");
    return ratio <= 1.1;
}

}  // namespace

int main(int argc, char** argv) {
    configure_torch(static_cast<int>(std::max(1u, std::thread::hardware_concurrency())));
    bool good = true;
    for (const Case& c : cases)
        if (argc < 3 || std::string(c.title).starts_with(argv[2])) good &= measure(c, argc > 1 ? argv[1] : "40");
    return good ? 0 : 1;
}
