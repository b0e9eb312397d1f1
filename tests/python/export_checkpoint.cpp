// Trains a little and writes FOLDER/checkpoint.pt, as `checkpoint export` does, with FOLDER/expected.json, what this
// process's networks say of a few states: for open_checkpoint.py.
#include <cstdlib>
#include <fstream>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <doctest/doctest.h>

#include <marginalia/operators.h>

#include "kernel/worker/answer/export_model.h"
#include "kernel/worker/answer/trained_model.h"
#include "kernel/worker/checkpoint/checkpoint.h"
#include "kernel/worker/model/trial_parts.h"
#include "tests/worker/trial_fixture.h"

using namespace marginalia;

namespace {

std::vector<double> numbers(const at::Tensor& tensor) {
    const at::Tensor flat = tensor.to(at::kDouble).flatten().contiguous();
    return {flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel()};
}

void write(const std::string& folder, const std::string& network, const std::string& train) {
    const TrialRequest request =
        request_of("name = \"t\"\n[energy]\nplugin = \"ising\"\nrows = 4\ncolumns = 4\n[network]\n" + network +
                   "\n[sampler]\nplugin = \"block-gibbs\"\n[objective]\nplugin = \"mam-energy\"\n[train]\nsteps = "
                   "20\n" +
                   train +
                   "[evaluation]\n"
                   "samples = 0\nnll_samples = 0\nmarginal_states = 0\n");
    MemoryRecorder recorder;
    run_trial(request, shipped_plugins(), recorder);
    const std::string& bytes = recorder.checkpoints.back().second;
    TrialParts parts = build_trial(request, shipped_plugins());
    load_weights(bytes, *parts.network);
    at::Generator generator = make_generator(at::kCPU, 0, 99);
    const at::Tensor x = at::randint(3, {8, 16}, generator, at::kLong);
    const at::NoGradGuard no_grad;
    nlohmann::json expected;
    for (std::int64_t row = 0; row < 8; ++row)
        expected["states"].push_back(
            std::vector<std::int64_t>(x[row].data_ptr<std::int64_t>(), x[row].data_ptr<std::int64_t>() + 16));
    expected["log_marginal"] = numbers(parts.network->log_marginal(x));
    expected["conditional_logits"] = numbers(parts.network->conditional_logits(x));
    InferenceRequest trained;
    trained.trial = request;
    trained.trial.checkpoint = bytes;
    std::ofstream file(folder + "/checkpoint.pt", std::ios::binary);
    const PlainOperators plain;
    REQUIRE(export_model(load_model(trained, shipped_plugins(), [] {}), "mam-energy", file).empty());
    std::ofstream(folder + "/expected.json") << expected.dump();
}

}  // namespace

// Not a test by itself: open_checkpoint.py asks for it.
TEST_CASE("export a checkpoint" * doctest::skip()) {
    const char *folder = std::getenv("EXPORT_FOLDER"), *network = std::getenv("EXPORT_NETWORK"),
               *train = std::getenv("EXPORT_TRAIN");
    REQUIRE(folder != nullptr);
    REQUIRE(network != nullptr);
    REQUIRE(train != nullptr);
    write(folder, network, train);
}
