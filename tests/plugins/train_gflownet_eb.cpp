// Energy and GFlowNet learned together: the objective gflownet-eb.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "kernel/worker/checkpoint/checkpoint.h"
#include "kernel/worker/model/trial_parts.h"
#include "tests/worker/trial_fixture.h"

namespace train_gflownet_eb {

using namespace marginalia;

namespace {

constexpr const char* mlp = "plugin = \"mlp\"\nhidden = 64\nlayers = 2\n";
constexpr const char* mps = "plugin = \"mps\"\nbond = 3\n";

// Pairs of equal bits, four rows of each kind: entropy log 4 nats, 0.5 bits a site.
std::string experiment(const std::string& parameters, const char* network = mlp) {
    const std::string path = (std::filesystem::temp_directory_path() / "train_gflownet_eb_pairs.csv").string();
    std::ofstream file(path);
    for (int i = 0; i < 64; ++i) file << i % 2 << ',' << i % 2 << ',' << i / 2 % 2 << ',' << i / 2 % 2 << '\n';
    return "name = \"pairs\"\n[dataset]\nplugin = \"table\"\nfile = \"" + path + "\"\n[network]\n" + network +
           "[objective]\nplugin = \"gflownet-eb\"\n" + parameters +
           "[train]\nsteps = 400\nbatch = 64\nlearning_rate = 1e-2\n"
           "[evaluation]\nsamples = 64\nmarginal_time = false\n";
}

struct Shaken {
    Shaken(const std::string& parameters, const char* network, double spread)
        : parts(build_trial(request_of(experiment(parameters, network)), shipped_plugins())) {
        at::Generator generator = make_generator(at::kCPU, 7, 7);
        const at::NoGradGuard no_grad;
        for (at::Tensor weights : parts.network->parameters())
            weights.add_(spread * at::randn(weights.sizes(), generator));
    }

    // The metrics of one step, whose weights stay as they are.
    std::map<std::string, at::Tensor> metrics() {
        const at::NoGradGuard no_grad;
        TrainingStep step{1,  *parts.network, nullptr, nullptr, parts.dataset.get(), parts.generator,
                          {}, parts.generator};
        parts.objective->loss(step);
        return step.metrics;
    }
    double metric(const char* name) { return metrics().at(name).item<double>(); }

    TrialParts parts;
};

// Exactly: the mean over train rows and all 24 orders of the log-probability of a trajectory over that of the order
// backward.
double mean_log_path(const TrialParts& parts, bool learned) {
    const at::NoGradGuard no_grad;
    const auto rows = static_cast<std::int64_t>(parts.dataset->size(Split::train));
    double sum = 0;
    for (std::int64_t r = 0; r < rows; ++r) {
        std::vector<std::uint8_t> row(4);
        parts.dataset->row(Split::train, static_cast<std::size_t>(r), row);
        std::array<std::int64_t, 4> order{0, 1, 2, 3};
        do {
            at::Tensor x = at::full({4}, 2, at::kLong);
            for (const std::int64_t site : order) {
                const at::Tensor logits = parts.network->conditional_logits(x.unsqueeze(0))[0].to(at::kDouble);
                const std::int64_t symbol = row[static_cast<std::size_t>(site)];
                sum += logits[site][symbol].item<double>();
                const at::Tensor open = learned ? logits.index_select(0, (x == 2).nonzero().squeeze(1)) : logits[site];
                sum -= open.flatten().logsumexp(0).item<double>();
                x[site] = symbol;
            }
            if (learned) sum += std::log(24.0);
        } while (std::next_permutation(order.begin(), order.end()));
    }
    return sum / static_cast<double>(24 * rows);
}

}  // namespace

TEST_CASE("an untrained network is in balance, and every move is accepted") {
    for (const char* order : {"uniform", "learned"}) {
        Shaken untrained("order = \"" + std::string(order) + "\"\n", mlp, 0);
        CHECK(untrained.metric("loss") < 1e-10);
        CHECK(untrained.metric("acceptance") == 1);
        CHECK(untrained.metric("train_bits") == doctest::Approx(1));
    }
}

TEST_CASE("where marginals and conditionals agree, refilling one site at a time is in balance") {
    Shaken one("passes = 4\n", mps, 1), together("passes = 1\n", mps, 1), shaken("passes = 4\n", mlp, 0.5);
    CHECK(one.metric("loss") < 1e-8);
    CHECK(one.metric("acceptance") == 1);
    CHECK(std::abs(one.metric("energy_gap")) > 1e-3);
    CHECK(together.metric("loss") > 1e-3);
    CHECK(together.metric("acceptance") < 1);
    CHECK(shaken.metric("loss") > 1e-3);
}

TEST_CASE("train_bits is the mean over backward trajectories, within 5 sigma") {
    for (const bool learned : {false, true}) {
        CAPTURE(learned);
        Shaken shaken(learned ? "order = \"learned\"\n" : "", mlp, 0.5);
        const double exact = -mean_log_path(shaken.parts, learned) / (4 * std::log(2.0));
        at::Tensor bits = at::empty({learned ? 800 : 400}, at::kDouble);
        for (std::int64_t i = 0; i < bits.numel(); ++i) bits[i] = shaken.metric("train_bits");
        const double error = bits.std().item<double>() / std::sqrt(static_cast<double>(bits.numel()));
        CHECK(std::abs(bits.mean().item<double>() - exact) < 5 * error);
        CHECK(error < 0.05 * exact);
    }
}

TEST_CASE("policy and energy learn the pairs, with and without the likelihood") {
    for (const char* parameters :
         {"", "passes = 4\n", "likelihood = 0.0\nbalance = 1.0\npasses = 4\n", "order = \"learned\"\n"}) {
        CAPTURE(std::string(parameters));
        const TrialRequest request = request_of(experiment(parameters));
        MemoryRecorder recorder;
        CHECK(run_whole_trial(request, shipped_plugins(), recorder) == TrialOutcome::done);
        const std::string bits =
            std::string(parameters).find("learned") == std::string::npos ? "nll_bits" : "nll_bits_bound";
        CHECK(recorder.finals.at(bits) > 0.45);  // the entropy is 0.5 bits a site; 6 test rows
        CHECK(recorder.finals.at(bits) < 0.6);
        CHECK(recorder.finals.count("theta_gap_mean") == 0);  // marginals of partial states are not trained
        // The energy by itself, normalised over the 16 states: four are in the data, a quarter each.
        const TrialParts parts = build_trial(request, shipped_plugins());
        load_weights(recorder.checkpoints.back().second, *parts.network);
        const at::NoGradGuard no_grad;
        const at::Tensor x = at::arange(16).unsqueeze(1).bitwise_right_shift(at::arange(4)).bitwise_and(1);
        const at::Tensor p = parts.network->log_marginal(x).softmax(0);
        const at::Tensor pairs = (x.select(1, 0) == x.select(1, 1)) & (x.select(1, 2) == x.select(1, 3));
        CHECK(p.masked_select(pairs).sum().item<double>() > 0.9);
        CHECK(p.masked_select(pairs).min().item<double>() > 0.12);
    }
}

}  // namespace train_gflownet_eb
