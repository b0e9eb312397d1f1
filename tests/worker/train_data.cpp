// Learning from data: the objective ao-arm.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <numeric>

#include "kernel/worker/model/trial_parts.h"
#include "tests/worker/trial_fixture.h"

using namespace marginalia;

namespace {

// Pairs of equal bits, four rows of each kind: entropy log 4 nats, 0.5 bits a site.
std::string pairs_file() {
    const std::string path = (std::filesystem::temp_directory_path() / "train_data_pairs.csv").string();
    std::ofstream file(path);
    for (int i = 0; i < 64; ++i) file << i % 2 << ',' << i % 2 << ',' << i / 2 % 2 << ',' << i / 2 % 2 << '\n';
    return path;
}

std::string experiment() {
    return "name = \"pairs\"\n[dataset]\nplugin = \"table\"\nfile = \"" + pairs_file() + R"("
[network]
plugin = "mlp"
hidden = 32
layers = 2
[objective]
plugin = "ao-arm"
[train]
steps = 600
batch = 64
learning_rate = 5e-3
[evaluation]
samples = 64
marginal_time = false
)";
}

}  // namespace

TEST_CASE("the loss of ao-arm is the mean over orders of -log p") {
    TrialParts parts = build_trial(request_of(experiment()), shipped_plugins());
    at::Generator generator = make_generator(at::kCPU, 7, 7);
    const at::NoGradGuard no_grad;
    for (at::Tensor weights : parts.network->parameters()) weights.add_(0.5 * at::randn(weights.sizes(), generator));

    // Exactly: over the train rows (any of four kinds, by count) and all 24 orders.
    double exact = 0;
    const auto rows = static_cast<std::int64_t>(parts.dataset->size(Split::train));
    for (std::int64_t r = 0; r < rows; ++r) {
        std::vector<std::uint8_t> row(4);
        parts.dataset->row(Split::train, static_cast<std::size_t>(r), row);
        std::vector<int> order = {0, 1, 2, 3};
        do {
            at::Tensor x = at::full({1, 4}, 2, at::kLong);
            for (const int site : order) {
                const at::Tensor log_p = parts.network->conditional_logits(x).log_softmax(2, at::kDouble);
                exact -= log_p[0][site][row[static_cast<std::size_t>(site)]].item<double>();
                x[0][site] = static_cast<std::int64_t>(row[static_cast<std::size_t>(site)]);
            }
        } while (std::next_permutation(order.begin(), order.end()));
    }
    exact /= static_cast<double>(24 * rows);

    std::vector<double> losses;
    for (int i = 0; i < 400; ++i) {
        TrainingStep step{1,  *parts.network, nullptr, nullptr, parts.dataset.get(), parts.generator,
                          {}, parts.generator};
        losses.push_back(parts.objective->loss(step).item<double>());
    }
    const double mean = std::accumulate(losses.begin(), losses.end(), 0.0) / 400;
    double square = 0;
    for (const double loss : losses) square += (loss - mean) * (loss - mean);
    const double error = std::sqrt(square / 399 / 400);
    INFO("mean " << mean << " +- " << error << ", exact " << exact);
    CHECK(std::abs(mean - exact) < 5 * error);
    CHECK(error < 0.05 * exact);
}

TEST_CASE("a model learns the pairs and is scored on test rows") {
    MemoryRecorder recorder;
    CHECK(run_whole_trial(request_of(experiment()), shipped_plugins(), recorder) == TrialOutcome::done);
    REQUIRE(recorder.finals.count("nll_bits") == 1);
    CHECK(recorder.finals["nll_bits"] > 0.45);  // the entropy is 0.5 bits a site; 6 test rows
    CHECK(recorder.finals["nll_bits"] < 0.65);
    CHECK(recorder.finals.count("kl") == 0);
    CHECK(recorder.finals.count("theta_gap_mean") == 0);  // ao-arm leaves the marginals alone
    CHECK(recorder.finals.count("marginal_seconds") == 0);
    CHECK(recorder.metrics.at({"train_bits", 600}) < 0.7);
    CHECK(recorder.samples.at("samples").find("\"texts\"") != std::string::npos);
}
