// The training of circuits by gradient and by EM.
#include <doctest/doctest.h>

#include <ATen/ATen.h>

#include <filesystem>
#include <fstream>
#include <limits>

#include "kernel/worker/train/optimizer.h"
#include "tests/plugins/einet_testing.h"

using namespace marginalia;

namespace {

// One training on all states weighted by `probability`, by Adam as the host has it; the KL of the last step.
double train(const Case& c, const at::Tensor& probability, double rate, std::int64_t steps) {
    Optimizer optimizer(c.network->parameters(),
                        {.steps = steps, .learning_rate = rate, .schedule = "cosine", .beta2 = 0.99});
    const at::Tensor x = every_state(c.domain);
    double kl = 0;
    for (std::int64_t step = 1; step <= steps; ++step) {
        const at::Tensor loss = (probability * (probability.log() - c.network->log_marginal(x))).sum();
        loss.backward();
        optimizer.update(step);
        kl = loss.item<double>();
    }
    return kl;
}

std::string pairs_experiment(const std::string& network, const std::string& objective = "",
                             const std::string& train = "") {
    const std::string path = (std::filesystem::temp_directory_path() / "train_einet_pairs.csv").string();
    std::ofstream file(path);
    for (int i = 0; i < 64; ++i) file << i % 2 << ',' << i % 2 << ',' << i / 2 % 2 << ',' << i / 2 % 2 << '\n';
    return "name = \"pairs\"\n[dataset]\nplugin = \"table\"\nfile = \"" + path + "\"\n[network]\n" + network + R"(
[objective]
plugin = "circuit-mle"
)" + objective +
           R"([train]
steps = 200
batch = 64
learning_rate = 0.1
log_every = 1
)" + train +
           R"([evaluation]
samples = 64
marginal_time = false
)";
}

const std::string pairs_network =
    "plugin = \"einet\"\nstructure = \"random-tree\"\ndepth = 2\nreplicas = 3\nsums = 4\n";

}  // namespace

TEST_CASE("EM reaches the frequencies of the rows in one step where that is the answer") {
    Case c(structures[5], {{"sums", std::int64_t{1}}, {"replicas", std::int64_t{1}}, {"floor", 1e-9}});
    const at::Tensor x = at::randint(2, {50, 10}, c.generator, at::kLong), frequency = x.to(at::kFloat).mean(0);
    const at::Tensor before = c.network->log_marginal(x).mean();
    CHECK(c.call("em", {x, 1.0}).item<double>() == doctest::Approx(before.item<double>()).epsilon(1e-5));
    CHECK(close(c.network->conditional_logits(at::full({1, 10}, 2, at::kLong)).exp()[0].select(1, 1), frequency, 1e-5));
}

TEST_CASE("full-batch EM never lowers the likelihood, partial rows included; a step of size 0 does nothing") {
    on_all([](Case c) {
        const at::Tensor full = at::randint(c.domain.categories, {20, c.domain.sites}, c.generator, at::kLong);
        const at::Tensor x = at::cat({c.random_partial(20), full});
        double last = -std::numeric_limits<double>::infinity();
        const double first = c.network->log_marginal(x).mean().item<double>();
        for (int step = 0; step < 12; ++step) {
            const double now = c.call("em", {x, 1.0}).item<double>();
            CHECK(now > last - 1e-5);
            last = now;
        }
        CHECK(last > first + 0.2);
        const at::Tensor leaf = c.weights("leaf").softmax(3).clone();
        c.call("em", {x, 0.0});
        CHECK(close(c.weights("leaf").softmax(3), leaf, 1e-5));
    });
}

TEST_CASE("the gradient learns an open Ising chain") {
    for (const std::string& layer : layers) {
        CAPTURE(layer);
        const Case c({"quad-tree", {8}, 2, {{"piece", std::int64_t{1}}}},
                     {{"layer", layer}, {"sums", std::int64_t{8}}, {"noise", 0.5}, {"floor", 1e-6}});
        const at::Tensor spin = 2 * every_state(c.domain).to(at::kFloat) - 1;
        const at::Tensor bonds = (spin.slice(1, 1) * spin.slice(1, 0, -1)).sum(1);
        const double kl = train(c, (0.6 * bonds + 0.2 * spin.sum(1)).softmax(0), 0.3, 300);
        CHECK(kl < 2e-3);
        CHECK(kl > -1e-5);
    }
}

TEST_CASE("circuit-mle learns the pairs by EM, and averages the weights") {
    MemoryRecorder recorder;
    const TrialRequest request = request_of(pairs_experiment(pairs_network, "method = \"em\"\n", "ema = 0.9\n"));
    CHECK(run_whole_trial(request, shipped_plugins(), recorder) == TrialOutcome::done);
    CHECK(recorder.finals.at("nll_bits") < 0.6);
    CHECK(recorder.metrics.at({"train_bits", 1}) > 0.8);
    CHECK(recorder.metrics.at({"train_bits", 200}) < 0.52);
}

TEST_CASE("circuit-mle says what EM cannot do") {
    MemoryRecorder recorder;
    const std::string by_em = "method = \"em\"\n";
    const TrialRequest mlp = request_of(pairs_experiment("plugin = \"mlp\"\nhidden = 16\nlayers = 1\n", by_em));
    CHECK_THROWS_WITH_AS(run_whole_trial(mlp, shipped_plugins(), recorder),
                         doctest::Contains("the network's module has no method 'em(x, rate)'"), Error);
    TrialRequest fast = request_of(pairs_experiment(pairs_network, by_em));
    fast.settings.train.learning_rate = 1.5;
    CHECK_THROWS_WITH_AS(run_whole_trial(fast, shipped_plugins(), recorder), doctest::Contains("give at most 1"),
                         Error);
}

TEST_CASE("circuit-mle learns the pairs from rows by the gradient") {
    MemoryRecorder recorder;
    CHECK(run_whole_trial(request_of(pairs_experiment(pairs_network)), shipped_plugins(), recorder) ==
          TrialOutcome::done);
    CHECK(recorder.finals.at("nll_bits") > 0.3);  // the entropy is 0.5 bits a site; 6 test rows
    CHECK(recorder.finals.at("nll_bits") < 0.6);
    CHECK(recorder.metrics.at({"train_bits", 1}) > 0.8);
    CHECK(recorder.metrics.at({"train_bits", 200}) < 0.52);
    const double loss = recorder.metrics.at({"loss", 200}), bits = recorder.metrics.at({"train_bits", 200});
    CHECK(loss == doctest::Approx(bits * 4 * std::log(2.0)));
}

TEST_CASE("circuit-mle refuses a network without exact marginals") {
    MemoryRecorder recorder;
    const TrialRequest request = request_of(pairs_experiment("plugin = \"mlp\"\nhidden = 16\nlayers = 1\n"));
    CHECK_THROWS_WITH_AS(run_whole_trial(request, shipped_plugins(), recorder),
                         doctest::Contains("break the sum rule by"), Error);
}
