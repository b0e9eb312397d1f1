// Conditionals first, then marginals distilled from them.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <ATen/ATen.h>
#include <torch/script.h>

#include "kernel/train/checkpoint.h"
#include "kernel/train/trial_parts.h"
#include "trial_fixture.h"

using namespace marginalia;

namespace {

std::string experiment(const std::string& objective, const std::string& train, const std::string& network = "mlp") {
    return "name = \"t\"\n[energy]\nplugin = \"ising\"\nrows = 3\ncolumns = 3\n[network]\nplugin = \"" + network +
           "\"\n[network.mlp]\nhidden = 128\nlayers = 2\n[sampler]\nplugin = \"single-site-gibbs\"\n[objective]\n" + objective +
           "\n[evaluation]\nsamples = 500\nnll_samples = 500\nmarginal_states = 400\n[train]\nbatch = 64\nlearning_rate = 0.005\n" + train;
}

MemoryRecorder run(const std::string& toml, const std::string& start = "") {
    TrialRequest request = request_of(toml);
    request.start_network = start;
    MemoryRecorder recorder;
    CHECK(run_trial(request, shipped_plugins(), recorder) == TrialOutcome::done);
    return recorder;
}

// Named weights of a recorded network.
std::map<std::string, at::Tensor> weights(const std::string& toml, const std::string& checkpoint) {
    const TrialParts parts = build_trial(request_of(toml), shipped_plugins());
    load_weights(checkpoint, *parts.network);
    std::map<std::string, at::Tensor> named;
    for (const auto& parameter : parts.network->module().named_parameters())
        named[parameter.name] = parameter.value.detach().clone();
    return named;
}

}  // namespace

TEST_CASE("marginals are distilled from conditionals, which stay bit for bit") {
    const std::string first = experiment("plugin = \"ao-arm\"", "steps = 400");
    const MemoryRecorder stage1 = run(first);
    CHECK(stage1.finals.at("kl") < 0.1);
    CHECK(stage1.finals.count("marginal_rmse") == 0);
    const std::string& start = stage1.checkpoints.back().second;
    const auto before = weights(first, start);
    const MemoryRecorder untrained = run(experiment("plugin = \"mam-joint\"", "steps = 0"));
    for (const std::string& way : {"path_rows = 0", "penalty = 0.0", ""}) {
        CAPTURE(way);
        const std::string toml = experiment("plugin = \"mam-distill\"\n" + way, "steps = 400\nweight_decay = 0.1");
        const MemoryRecorder stage2 = run(toml, start);
        std::size_t changed = 0;
        for (const auto& [name, after] : weights(toml, stage2.checkpoints.back().second)) {
            const bool same = at::equal(after, before.at(name));
            CHECK((same || name == "w_marginal"));
            changed += !same;
        }
        CHECK(changed == 1);
        CHECK(stage2.finals.at("kl") == doctest::Approx(stage1.finals.at("kl")));
        // A linear readout of the conditionals' features: all that this network has of the marginals' own.
        CHECK(stage2.finals.at("marginal_rmse") < untrained.finals.at("marginal_rmse") / 3);
        CHECK(stage2.finals.at("pearson") > 0.97);
    }
}

TEST_CASE("one stage does both") {
    const MemoryRecorder joint = run(experiment("plugin = \"mam-joint\"", "steps = 600"));
    CHECK(joint.finals.at("kl") < 0.1);
    CHECK(joint.finals.at("marginal_rmse") < 0.2);
}

TEST_CASE("what cannot be distilled is refused") {
    const auto refusal = [](const std::string& toml) -> std::string {
        MemoryRecorder recorder;
        try {
            run_trial(request_of(toml), shipped_plugins(), recorder);
        } catch (const Error& error) {
            return error.what();
        }
        return "";
    };
    CHECK(refusal(experiment("plugin = \"mam-distill\"", "steps = 1", "mps")) ==
          "objective 'mam-distill', step 1: the network's marginals are exact by construction, so there is nothing to distil");
    CHECK(refusal(experiment("plugin = \"mam-distill\"\npenalty = 0\npath_rows = 0", "steps = 1")).find(
              "penalty = 0 and path_rows = 0 leave nothing to learn") != std::string::npos);
}
