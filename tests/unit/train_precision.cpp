// The arithmetic of passes: what a trial runs in, and what stays in float32 where it is bfloat16.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <sstream>

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>

#include "kernel/train/precision.h"
#include "kernel/train/trial_parts.h"
#include "trial_fixture.h"

using namespace marginalia;

namespace {

std::string experiment(const std::string& network, const std::string& train) {
    return "name = \"t\"\n[energy]\nplugin = \"ising\"\nrows = 3\ncolumns = 3\n[network]\n" + network +
           "[sampler]\nplugin = \"block-gibbs\"\n[objective]\nplugin = \"mam-energy\"\n"
           "[evaluation]\nsamples = 0\nnll_samples = 0\nmarginal_states = 0\n[train]\nsteps = 8\nbatch = 16\nlog_every = 1\n" + train;
}

constexpr const char* mlp = "plugin = \"mlp\"\nhidden = 32\nlayers = 2\n";
constexpr const char* conv = "plugin = \"lattice-conv\"\nchannels = 16\nlayers = 2\nsite_channels = 3\n";

MemoryRecorder run(const std::string& precision) {
    MemoryRecorder recorder;
    run_trial(request_of(experiment(mlp, "precision = \"" + precision + "\"\n")), shipped_plugins(), recorder);
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
        for (const bool has : {false, true}) {
            CHECK_FALSE(resolve_precision("float32", cuda, has).bfloat16);
            CHECK(resolve_precision("float32", cuda, has).report.empty());
            CHECK(resolve_precision("bfloat16", cuda, has).bfloat16);
            CHECK(resolve_precision("auto", cuda, has).bfloat16 == (cuda || has));
        }
    CHECK(resolve_precision("bfloat16", true, false).report.empty());
    CHECK(resolve_precision("bfloat16", false, true).report.empty());
    CHECK(resolve_precision("bfloat16", false, false).report ==
          "warning: bfloat16 is slower than float32 here, as this processor has neither AVX512-BF16 nor AMX-BF16; give "
          "train.precision = \"auto\" or \"float32\"");
    CHECK(resolve_precision("auto", false, true).report == "bfloat16");
    CHECK(resolve_precision("auto", false, false).report ==
          "float32: this processor has neither AVX512-BF16 nor AMX-BF16");
}

TEST_CASE("the processor is what the system says of it") {
    std::ifstream file("/proc/cpuinfo");
    std::string line;
    while (std::getline(file, line) && !line.starts_with("flags")) {}
    if (!line.starts_with("flags")) return;  // another processor, or another system
    std::istringstream words(line);
    bool listed = false;
    for (std::string word; words >> word;) listed = listed || word == "avx512_bf16" || word == "amx_bf16";
    CHECK(processor_has_bfloat16() == listed);
}

TEST_CASE("auto trains as the precision that it chooses, and the record tells which") {
    const bool has = processor_has_bfloat16();
    const MemoryRecorder chosen = run("auto"), full = run("float32"), half = run("bfloat16");
    CHECK(full.samples.count("precision") == 0);
    CHECK(chosen.samples.at("precision") == resolve_precision("auto", false, has).report);
    CHECK(half.samples.count("precision") == (has ? 0 : 1));
    const std::pair<std::string, std::int64_t> last{"loss", 8};
    CHECK(chosen.metrics.at(last) == (has ? half : full).metrics.at(last));
    CHECK(full.metrics.at(last) != half.metrics.at(last));
    CHECK(full.metrics.at(last) == doctest::Approx(half.metrics.at(last)).epsilon(0.1));
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
