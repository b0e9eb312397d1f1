// Evaluations that draw until a standard error is small enough.
#include <doctest/doctest.h>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>
#include <numbers>

#include "kernel/worker/evaluate/evaluation.h"
#include "kernel/worker/evaluate/reference.h"
#include "tests/worker/trial_fixture.h"

namespace train_until_precise {

using namespace marginalia;

namespace {

// A model of nine spins after a few steps.
const std::string model =
    "name = \"t\"\n[energy]\nplugin = \"ising\"\nrows = 3\ncolumns = 3\n[network]\nplugin = \"mlp\"\nhidden = 16\n"
    "layers = 1\n[sampler]\nplugin = \"block-gibbs\"\n[objective]\nplugin = \"mam-energy\"\n[train]\nsteps = 20\n";

// Its figures, 100 states at a time.
Figures figures_of(const std::string& evaluation) {
    MemoryRecorder recorder;
    const std::string toml =
        model + "[evaluation]\nmarginal_states = 0\nmarginal_time = false\npictures = 0\nbatch = 100\n" + evaluation;
    CHECK(run_whole_trial(request_of(toml), shipped_plugins(), recorder) == TrialOutcome::done);
    return recorder.finals;
}

// `count` values of mean 0 and variance 1.
at::Tensor signs(std::int64_t count) { return at::arange(count).remainder(2).mul(2).sub(1).to(at::kDouble); }

}  // namespace

TEST_CASE("values are enough once their mean's error is, which a hundred have to say") {
    UntilPrecise values(0.0502);  // the error of n of these is 1 / sqrt(n - 1)
    for (int batch = 1; batch <= 5; ++batch) CHECK(values.add(signs(100)) == (batch >= 4));
    CHECK(values.values().numel() == 500);
    UntilPrecise equal(0.1);
    CHECK_FALSE(equal.add(at::zeros({99}, at::kDouble)));
    CHECK(equal.add(at::zeros({1}, at::kDouble)));
    UntilPrecise all(0);
    CHECK_FALSE(all.add(at::zeros({1000}, at::kDouble)));
    UntilPrecise impossible(10);
    CHECK_FALSE(impossible.add(at::full({1000}, INFINITY, at::kDouble)));
}

TEST_CASE("values of chains count as many as their effective sample size says") {
    // Of two chains that hold each of their values for ten draws.
    const at::Tensor held = at::stack({signs(100), signs(100).roll(1)}, 1).repeat_interleave(10, 0).flatten();
    UntilPrecise independent(0.04), chains(0.04, 2);
    CHECK(independent.add(held));
    CHECK_FALSE(chains.add(held));
}

TEST_CASE("kl and nll_bits are as precise as asked for, of the first of the states that are drawn without it") {
    const Figures precise = figures_of("samples = 3000\nnll_samples = 3000\nprecision = 0.1\n");
    const double samples = precise.at("evaluation_samples"), rows = precise.at("evaluation_rows");
    CHECK(precise.at("kl_stderr") <= 0.1);
    CHECK(precise.at("forward_kl_stderr") <= 0.1);
    for (const double count : {samples, rows}) {
        CHECK(count >= 100);
        CHECK(count < 3000);
        CHECK(std::fmod(count, 100) == 0);
    }
    const Figures as_many =
        figures_of("samples = " + std::to_string(static_cast<int>(samples)) + "\nnll_samples = 3000\n");
    CHECK(as_many.at("kl") == precise.at("kl"));
    CHECK(as_many.at("ess") == precise.at("ess"));
    CHECK(as_many.count("evaluation_samples") == 0);
}

TEST_CASE("without log Z it is nll_bits of the reference states that has to be precise") {
    const TrialParts parts = build_trial(request_of(model), shipped_plugins());
    at::Generator generator = make_generator(at::kCPU, 1, 1);
    const at::NoGradGuard no_grad;
    for (at::Tensor& parameter : parts.network->parameters()) parameter.normal_(0, 0.3, generator);
    const auto drawn_model = parts.objective->model(*parts.network, generator, [] {});
    const Reference reference = energy_reference(*parts.energy, 3000, 1);
    const auto always = [](std::int64_t, std::int64_t) { return true; };
    const auto figures_with = [&](const LogZ& log_z) {
        return evaluate_reference(parts, *drawn_model, log_z, reference, {3000, 100, 0.2}, generator, always);
    };
    const Figures without = figures_with({}), with = figures_with({parts.energy->log_z(), 0, true});
    CHECK(without.at("nll_bits_stderr") * 9 * std::numbers::ln2 <= 0.2);
    CHECK(with.at("forward_kl_stderr") <= 0.2);
    for (const Figures& figures : {without, with}) CHECK(figures.at("evaluation_rows") < 3000);
}

TEST_CASE("no more are drawn than there may be") {
    const std::string budget = "samples = 300\nnll_samples = 250\n";
    const Figures all = figures_of(budget), precise = figures_of(budget + "precision = 1e-6\n");
    CHECK(precise.at("evaluation_samples") == 300);
    CHECK(precise.at("evaluation_rows") == 250);
    for (const char* name : {"kl", "kl_stderr", "nll_bits", "forward_kl", "energy_distance"})
        CHECK(precise.at(name) == all.at(name));
}

}  // namespace train_until_precise
