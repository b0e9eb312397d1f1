// Everything that can be part of a training, on a pretended GPU: every objective, sampler and network is trained,
// stopped, resumed and evaluated there, in both precisions, and keeps the promises that check-plugin checks.
#include <doctest/doctest.h>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "kernel/worker/check/parameters.h"
#include "kernel/worker/check/torch/network_checks.h"
#include "kernel/worker/check/torch/torch_checks.h"
#include "tests/device/pretended_device.h"
#include "tests/worker/trial_fixture.h"

namespace other_device {

using namespace marginalia;

namespace {

const std::filesystem::path source = MARGINALIA_SOURCE_DIR;

// The trials of scripts/gpu-check's part `every plugin`, cut short.
std::vector<TrialRequest> every_plugin(const std::string& precision) {
    const std::string device = pretended::device().str();
    std::vector<TrialRequest> requests;
    for (const char* file : {"bench/gpu/every-plugin.toml", "bench/gpu/every-plugin-rows.toml"}) {
        const Experiment experiment =
            read_experiment(source / file,
                            {"train.precision=" + precision, "train.steps=4", "train.batch=8", "train.log_every=1",
                             "evaluation.every=3", "evaluation.quick_samples=4", "evaluation.samples=8",
                             "evaluation.nll_samples=8", "evaluation.marginal_states=8"},
                            shipped_plugins().catalogue());
        for (const TrialConfig& trial : experiment.trials) {
            TrialRequest request;
            request.settings = trial.config;
            request.device = device;
            request.checkpoint_seconds = 1e9;
            requests.push_back(std::move(request));
        }
    }
    return requests;
}

std::string shown(const TrialRequest& request) {
    std::string text = request.settings.train.precision;
    for (const char* table : {"objective", "sampler", "network"})
        if (request.settings.has(table)) text += " " + request.settings.plugin(table).plugin;
    return text;
}

// Stopped after two steps and resumed, the curves are those of the unbroken training.
void check_resumed(const TrialRequest& request, const MemoryRecorder& unbroken) {
    MemoryRecorder stopped, resumed;
    stopped.stop_after = 2;
    run_trial(request, shipped_plugins(), stopped);
    TrialRequest rest = request;
    rest.checkpoint = stopped.checkpoints.back().second;
    run_trial(rest, shipped_plugins(), resumed);
    CHECK(resumed.step == 4);
    for (const auto& [key, value] : resumed.metrics) {
        if (key.first.find("seconds") != std::string::npos) continue;
        INFO(key.first << " of step " << key.second);
        CHECK(unbroken.metrics.at(key) == value);
    }
}

CheckTarget target_of(const PluginManifest& plugin) {
    CheckTarget target{plugin, shipped_plugins().factory(plugin.kind, plugin.name), {}, {}, {}};
    const auto file = source / "plugins" / (plugin.kind + "s") / plugin.name / "conformance.toml";
    if (std::filesystem::exists(file)) target.words = {file.string()};
    target.params = plugin_parameters(plugin, target.words, &target.domain);
    return target;
}

}  // namespace

TEST_CASE("the pretended GPU refuses what a GPU refuses") {
    const at::Device device = pretended::device();
    const at::Tensor there = at::ones({2}, device), here = at::ones({2});
    CHECK((there + there).device() == device);
    CHECK(at::equal((there + there).cpu(), here + here));
    CHECK_THROWS_WITH_AS(there.dot(here), doctest::Contains("mixes a tensor of the CPU"), c10::Error);
    at::Generator of_cpu = at::detail::createCPUGenerator();
    CHECK_THROWS_WITH_AS(at::rand({2}, of_cpu, device), doctest::Contains("generator of the CPU"), c10::Error);
}

TEST_CASE("every objective, sampler and network is trained, resumed bit for bit and evaluated on a pretended GPU") {
    for (const char* precision : {"float32", "bfloat16"})
        for (const TrialRequest& request : every_plugin(precision)) {
            INFO(shown(request));
            const std::string network = request.settings.plugin("network").plugin;
            const bool reals =
                request.settings.has("energy") && request.settings.plugin("energy").plugin == "many-well";
            if (precision == std::string("bfloat16") && (reals || network == "mps" || network == "einet"))
                continue;  // refused
            MemoryRecorder unbroken;
            REQUIRE_NOTHROW(run_whole_trial(request, shipped_plugins(), unbroken));
            CHECK(unbroken.finals.contains("nll_bits") + unbroken.finals.contains("nll_bits_bound") +
                      unbroken.finals.contains("nll_bits_estimate") + unbroken.finals.contains("nll_scaled") ==
                  (network == "gan" ? 0 : 1));
            check_resumed(request, unbroken);
        }
}

TEST_CASE(
    "samplers and objectives pass check-plugin on a pretended GPU, and networks compute there what they do here") {
    const auto checks = torch_checks(pretended::device());
    const at::NoGradGuard no_grad;
    int checked = 0;
    for (const PluginManifest& plugin : shipped_plugins().catalogue().plugins) {
        INFO(plugin.kind << " " << plugin.name);
        const bool tried = plugin.kind == "network" || plugin.kind == "sampler" || plugin.kind == "objective";
        if (plugin.name == "torchscript" || !tried) continue;
        const CheckTarget target = target_of(plugin);
        ++checked;
        if (plugin.kind == "network") {
            const NetworkMaker maker(target);
            CHECK(check_device_move({maker, domain_of(target.domain.value_or(GivenDomain{{{3, 4}, false}, 3}))}) ==
                  "CUDA, the same values within 1 %");
            continue;
        }
        const at::AutoGradMode grad_mode(true);
        Checker checker;
        checks.at(plugin.kind)(target, checker);
        for (const CheckResult& result : checker.results()) {
            INFO(result.name << ": " << result.detail);
            CHECK_FALSE(result.failed());
        }
    }
    CHECK(checked == 38);
}

}  // namespace other_device
