// Whole trials on small lattices, in this process.
#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <utility>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "kernel/worker/checkpoint/checkpoint.h"
#include "kernel/worker/evaluate/evaluation.h"
#include "kernel/worker/model/trial_parts.h"
#include "tests/worker/trial_fixture.h"

namespace train_trial {

using namespace marginalia;

namespace {

std::string experiment(const std::string& network, const std::string& train) {
    return "name = \"t\"\n[energy]\nplugin = \"ising\"\nrows = 3\ncolumns = 3\n[network]\n" + network +
           "\n[sampler]\nplugin = \"block-gibbs\"\nsites = 4\n[objective]\nplugin = \"mam-energy\"\npenalty = 1.0\n"
           "[evaluation]\nsamples = 2000\nnll_samples = 2000\nmarginal_states = 64\nquick_samples = 64\nevery = "
           "50\n[train]\n" +
           train;
}

const std::string conv = "plugin = \"lattice-conv\"\nchannels = 8\nlayers = 2";
const std::string mlp = "plugin = \"mlp\"\nhidden = 64\nlayers = 3";

}  // namespace

TEST_CASE("training from the energy alone reaches the target") {
    for (const std::string& network : {conv, mlp}) {
        CAPTURE(network);
        const TrialRequest request = request_of(experiment(network, "steps = 700\nbatch = 64\nlearning_rate = 0.005"));
        MemoryRecorder recorder;
        CHECK(run_whole_trial(request, shipped_plugins(), recorder) == TrialOutcome::done);
        // 2,000 samples give the true KL with a standard error under 0.01 nats here: the bound is more than 5 sigma
        // away.
        CHECK(recorder.finals.at("kl") < 0.1);
        CHECK(recorder.finals.at("kl") > -4 * recorder.finals.at("kl_stderr"));
        CHECK(recorder.finals.at("marginal_rmse") < 0.15);
        CHECK(recorder.finals.at("pearson") > 0.99);
        CHECK(recorder.finals.at("nll_bits") >
              recorder.finals.at("entropy_bits_exact") - 4 * recorder.finals.at("nll_bits_stderr"));
        CHECK(recorder.finals.at("kl") ==
              doctest::Approx(recorder.finals.at("free_energy") + recorder.finals.at("log_z_exact")));
        CHECK(recorder.metrics.count({"kl", 50}) == 1);
        // The model's magnetisation is the target's, up to the small KL (by Pinsker's inequality) and 5 standard
        // errors.
        const auto figure = [&](const std::string& name) {
            return recorder.finals.at("observable.magnetisation" + name);
        };
        const double error = std::hypot(figure("_stderr"), figure("_reference_stderr"));
        CHECK(error > 0);
        CHECK(error < 0.03);
        CHECK(figure("_reference") > 0.3);  // the field is 0.2
        CHECK(std::abs(figure("") - figure("_reference")) <
              5 * error + std::sqrt(2 * std::max(0.0, recorder.finals.at("kl"))));
        CHECK(recorder.metrics.count({"marginal_rmse_by_size", 8}) == 1);
        CHECK(recorder.checkpoints.back().first == 700);
        CHECK(recorder.samples.count("samples") == 1);
    }
}

TEST_CASE("an untrained model's figures are those of the uniform distribution") {
    const TrialRequest request = request_of(experiment(conv, "steps = 0"));
    MemoryRecorder recorder;
    run_whole_trial(request, shipped_plugins(), recorder);
    // KL(uniform || f/Z) = log Z - D log 2 - E_uniform[log f], and log f has mean 0 over all states.
    const double expected = recorder.finals.at("log_z_exact") - 9 * std::log(2.0);
    CHECK(std::abs(recorder.finals.at("kl") - expected) < 4 * recorder.finals.at("kl_stderr"));
    CHECK(recorder.finals.at("nll_bits") == doctest::Approx(1.0));
    CHECK(recorder.finals.at("theta_gap_std") < 1e-4);
}

TEST_CASE("impossible states are learnt to be avoided") {
    // Two equal bits: two of the four states have log f = -infinity.
    const auto file = std::filesystem::temp_directory_path() / "train_trial_equal.uai";
    std::ofstream(file) << "MARKOV\n2\n2 2\n1\n2 0 1\n4\n1 0 0 1\n";
    const auto text = [&](const std::string& train) {
        return "name = \"t\"\n[energy]\nplugin = \"uai\"\nfile = \"" + file.string() + "\"\n[network]\n" + mlp +
               "\n[sampler]\nplugin = \"block-gibbs\"\nsites = 2\n[objective]\nplugin = \"mam-energy\"\n"
               "[evaluation]\nsamples = 2000\n[train]\n" +
               train;
    };
    MemoryRecorder untrained, trained;
    run_whole_trial(request_of(text("steps = 0")), shipped_plugins(), untrained);
    CHECK(std::abs(untrained.finals.at("impossible") - 0.5) < 5 * 0.5 / std::sqrt(2000.0));
    CHECK(std::isinf(untrained.finals.at("kl")));
    CHECK(run_whole_trial(request_of(text("steps = 400\nbatch = 64\nlearning_rate = 0.003")), shipped_plugins(),
                          trained) == TrialOutcome::done);
    CHECK((trained.finals.count("impossible") == 0 || trained.finals.at("impossible") < 0.02));
    CHECK(trained.finals.at("nll_bits") < 0.6);  // the entropy is 0.5 bits a site: both possible states are drawn
}

TEST_CASE("a stopped trial goes on to bit-identical weights and metrics") {
    for (const std::string& network : {conv, mlp}) {
        CAPTURE(network);
        TrialRequest request = request_of(experiment(network, "steps = 60\nbatch = 32\nlog_every = 7\nema = 0.9"));
        MemoryRecorder unbroken;
        run_whole_trial(request, shipped_plugins(), unbroken);

        MemoryRecorder resumed;
        const TrialParts parts = build_trial(request, shipped_plugins());
        double trained = 0;
        for (const std::int64_t stop : {13, 14, 50}) {
            resumed.stop_after = stop;
            CHECK(run_whole_trial(request, shipped_plugins(), resumed) == TrialOutcome::stopped);
            CHECK(resumed.checkpoints.back().first == stop);
            request.checkpoint = resumed.checkpoints.back().second;
            const double before = std::exchange(
                trained,
                load_checkpoint(request.checkpoint, *parts.network).parts.at("time").at("trained").item<double>());
            CHECK(trained > before);
        }
        resumed.stop_after = -1;
        CHECK(run_whole_trial(request, shipped_plugins(), resumed) == TrialOutcome::done);
        CHECK(resumed.finals.at("train_seconds") > trained);
        CHECK(resumed.finals.at("step_seconds") == doctest::Approx(resumed.finals.at("train_seconds") / 60));

        for (MemoryRecorder* recorder : {&unbroken, &resumed}) {
            std::erase_if(recorder->metrics, [](const auto& m) { return m.first.first.ends_with("_seconds"); });
            std::erase_if(recorder->finals, [](const auto& m) { return m.first.ends_with("_seconds"); });
        }
        CHECK(unbroken.metrics == resumed.metrics);
        CHECK(unbroken.finals == resumed.finals);
        CHECK(unbroken.checkpoints.back() == resumed.checkpoints.back());
    }
}

TEST_CASE("how often a trial is evaluated does not change what it learns") {
    MemoryRecorder often, never;
    TrialRequest request = request_of(experiment(conv, "steps = 30\nbatch = 32"));
    request.settings.evaluation.every = 5;
    run_whole_trial(request, shipped_plugins(), often);
    request.settings.evaluation.every = 0;
    run_whole_trial(request, shipped_plugins(), never);
    CHECK(often.finals.at("kl") == never.finals.at("kl"));
}

TEST_CASE("a stop during evaluation comes after the last checkpoint, and the rest is evaluated later") {
    TrialRequest request = request_of(experiment(conv, "steps = 5\nbatch = 8"));
    MemoryRecorder recorder;
    recorder.stop_after = 5;
    CHECK(run_whole_trial(request, shipped_plugins(), recorder) == TrialOutcome::stopped);
    CHECK(recorder.finals.count("kl") == 0);
    request.checkpoint = recorder.checkpoints.back().second;
    recorder.stop_after = -1;
    CHECK(run_whole_trial(request, shipped_plugins(), recorder) == TrialOutcome::done);
    CHECK(recorder.finals.count("kl") == 1);
}

TEST_CASE("the density by the conditionals sums to one over all states") {
    TrialRequest request = request_of(experiment(conv, "steps = 30\nbatch = 32\nlearning_rate = 0.01"));
    MemoryRecorder recorder;
    run_whole_trial(request, shipped_plugins(), recorder);
    TrialParts parts = build_trial(request, shipped_plugins());
    load_weights(recorder.checkpoints.back().second, *parts.network);
    const at::Tensor all = at::arange(512).unsqueeze(1).bitwise_right_shift(at::arange(9)).bitwise_and(1);
    // The same order for every row: one row's random order would give another (equally normalised) density.
    double sum = 0;
    at::Tensor x = at::full({512, 9}, 2, at::kLong), log_p = at::zeros({512}, at::kDouble);
    const at::NoGradGuard no_grad;
    for (const std::int64_t site : {4, 0, 8, 2, 6, 1, 3, 5, 7}) {
        const at::Tensor at_site = at::full({512}, site, at::kLong), symbol = all.select(1, site).unsqueeze(1);
        log_p += parts.network->conditional_at(x, at_site).log_softmax(1, at::kDouble).gather(1, symbol).squeeze(1);
        x.scatter_(1, at_site.unsqueeze(1), symbol);
    }
    sum = log_p.exp().sum().item<double>();
    CHECK(sum == doctest::Approx(1.0).epsilon(1e-6));
}

}  // namespace train_trial
