// The arithmetic of passes: what a trial runs in, and what stays in float32 where it is bfloat16.
#include <doctest/doctest.h>

#include <chrono>
#include <cmath>
#include <fstream>
#include <sstream>

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <ATen/core/grad_mode.h>

#include "kernel/spec/precision.h"
#include "kernel/worker/machine/bfloat16_speed.h"
#include "kernel/worker/model/trial_parts.h"
#include "tests/worker/trial_fixture.h"

namespace train_precision {

using namespace marginalia;

namespace {

std::string experiment(const std::string& network, const std::string& train) {
    return "name = \"t\"\n[energy]\nplugin = \"ising\"\nrows = 3\ncolumns = 3\n[network]\n" + network +
           "[sampler]\nplugin = \"block-gibbs\"\n[objective]\nplugin = \"mam-energy\"\n"
           "[evaluation]\nsamples = 0\nnll_samples = 0\nmarginal_states = 0\n[train]\nsteps = 8\nbatch = 16\nlog_every "
           "= 1\n" +
           train;
}

constexpr const char* mlp = "plugin = \"mlp\"\nhidden = 32\nlayers = 2\n";
constexpr const char* conv = "plugin = \"lattice-conv\"\nchannels = 16\nlayers = 2\nsite_channels = 3\n";

MemoryRecorder run(const std::string& precision) {
    MemoryRecorder recorder;
    run_whole_trial(request_of(experiment(mlp, "precision = \"" + precision + "\"\n")), shipped_plugins(), recorder);
    return recorder;
}

// log p_θ of all 512 states, the weights being random and of log p_θ's own so large that bfloat16 steps by a nat.
at::Tensor marginals(const char* network, bool bfloat16) {
    const TrialParts parts = build_trial(request_of(experiment(network, "")), shipped_plugins());
    at::Generator generator = make_generator(at::kCPU, 1, 9);
    const at::NoGradGuard no_grad;
    for (const auto& [name, weights] : parts.network->named_parameters()) {
        at::Tensor changed = weights;
        const bool head = name == "w_marginal" || name == "u";
        changed.add_(at::randn(weights.sizes(), generator) * (head ? 20 : 0.2) + (head ? 20 : 0));
    }
    const at::Tensor states = at::arange(512).unsqueeze(1).bitwise_right_shift(at::arange(9)).bitwise_and(1);
    at::autocast::set_autocast_enabled(at::kCPU, bfloat16);
    at::autocast::set_autocast_dtype(at::kCPU, at::kBFloat16);
    const at::Tensor log_p = parts.network->log_marginal(at::cat({states, at::full({1, 9}, 2, at::kLong)}));
    at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(at::kCPU, false);
    return log_p;
}

std::int64_t distinct(const at::Tensor& values) { return std::get<0>(at::_unique(values)).numel(); }

}  // namespace

TEST_CASE("what the settings come to") {
    for (const bool cuda : {false, true})
        for (const double speed : {0.0, 0.5, 1.05, 1.3, 5.0}) {
            CHECK_FALSE(resolve_precision("float32", cuda, speed).bfloat16);
            CHECK(resolve_precision("float32", cuda, speed).report.empty());
            CHECK(resolve_precision("bfloat16", cuda, speed).bfloat16);
            CHECK(resolve_precision("auto", cuda, speed).bfloat16 == (speed > 1.1));
            CHECK(resolve_precision("tf32", cuda, speed).tf32 == cuda);
            CHECK_FALSE(resolve_precision("tf32", cuda, speed).bfloat16);
        }
    CHECK(resolve_precision("tf32", true, 0).report.empty());
    CHECK(resolve_precision("tf32", false, 0).report == "float32, not tf32, which only NVIDIA's GPUs have");
    CHECK(resolve_precision("bfloat16", true, 4).report.empty());
    CHECK(resolve_precision("auto", true, 0).report ==
          "float32, not bfloat16: this GPU has no products of it (compute capability below 8.0)");
    CHECK(resolve_precision("bfloat16", false, 4).report.empty());
    CHECK(resolve_precision("bfloat16", false, 0).report ==
          "warning: bfloat16 is hardly faster than float32 here, or slower: this processor has neither AVX512-BF16 nor "
          "AMX-BF16; give "
          "train.precision = \"auto\" or \"float32\"");
    CHECK(resolve_precision("auto", false, 4).report == "bfloat16");
    CHECK(resolve_precision("auto", false, 0).report ==
          "float32, not bfloat16: this processor has neither AVX512-BF16 nor AMX-BF16");
    CHECK(
        resolve_precision("auto", false, 0.55).report ==
        "float32, not bfloat16: this network's passes in it run at 0.55 times the speed of float32 on this processor");
}

TEST_CASE("the speed of bfloat16 is measured where there is any, and leaves no trace") {
    const TrialParts parts =
        build_trial(request_of(experiment("plugin = \"mlp\"\nhidden = 1024\nlayers = 3\n", "")), shipped_plugins());
    const double speed = bfloat16_speed(*parts.network, 512, at::kCPU);
    CHECK((speed > 0) == processor_has_bfloat16());
    for (const at::Tensor& parameter : parts.network->parameters()) CHECK_FALSE(parameter.grad().defined());
    if (speed == 0) return;
    const auto seconds = [](at::ScalarType type) {
        const at::Tensor a = at::ones({768, 768}, type);
        double best = 1e9;
        for (int i = 0; i < 6; ++i) {
            const auto start = std::chrono::steady_clock::now();
            at::mm(a, a);
            best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
        }
        return best;
    };
    // Where its products are much faster or slower, so is a network that is little else.
    const double products = seconds(at::kFloat) / seconds(at::kBFloat16);
    if (products > 3) CHECK(speed > 1);
    if (products < 0.6) CHECK(speed < 1.1);
}

TEST_CASE("the processor is what the system says of it") {
    std::ifstream file("/proc/cpuinfo");
    std::string line;
    while (std::getline(file, line) && !line.starts_with("flags")) {
    }
    if (!line.starts_with("flags")) return;  // another processor, or another system
    std::istringstream words(line);
    bool listed = false;
    for (std::string word; words >> word;) listed = listed || word == "avx512_bf16" || word == "amx_bf16";
    CHECK(processor_has_bfloat16() == listed);
}

TEST_CASE("auto trains as the precision that it chooses, and the record tells which") {
    const MemoryRecorder chosen = run("auto"), full = run("float32"), half = run("bfloat16");
    CHECK(full.samples.count("precision") == 0);
    const bool fast = chosen.samples.at("precision") == "bfloat16";  // as measured in that trial
    CHECK(chosen.samples.at("precision").starts_with(fast ? "bfloat16" : "float32, not bfloat16: "));
    if (!processor_has_bfloat16()) CHECK_FALSE(fast);
    const std::pair<std::string, std::int64_t> last{"loss", 8};
    CHECK(chosen.metrics.at(last) == (fast ? half : full).metrics.at(last));
    CHECK(full.metrics.at(last) != half.metrics.at(last));
    CHECK(full.metrics.at(last) == doctest::Approx(half.metrics.at(last)).epsilon(0.1));
}

TEST_CASE("every network trains in bfloat16") {
    for (const char* network :
         {mlp, conv, "plugin = \"recurrent\"\nwidth = 16\n", "plugin = \"graph\"\nlayers = 2\nwidth = 32\n",
          "plugin = \"transformer\"\nwidth = 32\nheads = 2\nlayers = 1\n",
          "plugin = \"unet\"\nchannels = \"16\"\nblocks = \"1\"\nattention = \"1\"\ngroup_channels = 8\npatch = 1\n"}) {
        CAPTURE(std::string(network));
        double last[2];
        for (const bool half : {false, true}) {
            const std::string train = std::string("precision = \"") + (half ? "bfloat16" : "float32") + "\"\n";
            MemoryRecorder recorder;
            run_whole_trial(request_of(experiment(network, train)), shipped_plugins(), recorder);
            last[half] = recorder.metrics.at({"loss", 8});
        }
        CHECK(last[0] != last[1]);
        CHECK(last[0] == doctest::Approx(last[1]).epsilon(0.1));
    }
}

TEST_CASE("networks of exact marginals stay in float32") {
    const std::string einet = "plugin = \"einet\"\nsums = 4\n";
    MemoryRecorder recorder;
    run_whole_trial(request_of(experiment(einet, "precision = \"auto\"\n")), shipped_plugins(), recorder);
    CHECK(recorder.samples.at("precision") ==
          "float32, not bfloat16: this network's marginals are exact, and rounding would end that");
    CHECK_THROWS_WITH_AS(
        run_whole_trial(request_of(experiment(einet, "precision = \"bfloat16\"\n")), shipped_plugins(), recorder),
        "train.precision = \"bfloat16\" would round the marginals of network 'einet', which are exact; give "
        "\"float32\" or "
        "\"auto\"",
        Error);
}

TEST_CASE("a stopped trial goes on in the precision it began with") {
    const MemoryRecorder half = run("bfloat16");
    TrialRequest request = request_of(experiment(mlp, "precision = \"bfloat16\"\n"));
    MemoryRecorder recorder;
    recorder.stop_after = 4;
    CHECK(run_whole_trial(request, shipped_plugins(), recorder) == TrialOutcome::stopped);
    request.checkpoint = recorder.checkpoints.back().second;
    request.settings.train.precision = "float32";  // as where `auto` finds another processor
    recorder.stop_after = -1;
    run_whole_trial(request, shipped_plugins(), recorder);
    CHECK(recorder.metrics.at({"loss", 8}) == half.metrics.at({"loss", 8}));
    CHECK(recorder.samples.at("precision") == "bfloat16, in which the trial began");
}

TEST_CASE("in bfloat16 log p_θ is summed in float32") {
    for (const char* network : {mlp, conv}) {
        CAPTURE(std::string(network));
        const at::Tensor full = marginals(network, false), half = marginals(network, true);
        CHECK((half.scalar_type() == at::kFloat));
        CHECK_FALSE(at::equal(half, full));
        CHECK(std::abs(half[-1].item<double>()) < 1e-6 * full.abs().max().item<double>());  // all □
        CHECK(distinct(full) > 500);
        CHECK(distinct(full.to(at::kBFloat16)) < 350);  // what sums rounded to its 8 bits would leave
        CHECK(distinct(half) > 450);
        CHECK(((half - full).norm() / full.norm()).item<double>() < 0.02);
    }
}

}  // namespace train_precision
