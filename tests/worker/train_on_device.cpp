// Whole trainings on a device that is not the CPU: what only such a device does is part of them.
#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "tests/worker/fake_device.h"
#include "tests/worker/rows_file.h"
#include "tests/worker/trial_fixture.h"

namespace train_on_device {

using namespace marginalia;

namespace {

TrialRequest request_there(const std::string& source, const std::string& objective) {
    TrialRequest request =
        request_of("name = \"t\"\n" + source +
                   "[network]\nplugin = \"mlp\"\nhidden = 8\nlayers = 2\n[objective]\nplugin = \"" + objective +
                   "\"\n[evaluation]\nsamples = 0\nnll_samples = 0\nmarginal_states = 0\n"
                   "[train]\nsteps = 12\nbatch = 8\nlog_every = 1\nprecision = \"float32\"\n");
    request.device = fake_device::open().str();
    return request;
}

// All losses, from one process or from three.
std::vector<double> losses(TrialRequest request, bool in_parts) {
    MemoryRecorder recorder;
    if (in_parts)
        for (const int step : {3, 8}) {
            recorder.stop_after = step;
            CHECK(run_trial(request, shipped_plugins(), recorder) == TrialOutcome::stopped);
            request.checkpoint = recorder.checkpoints.back().second;
        }
    recorder.stop_after = -1;
    CHECK(run_trial(request, shipped_plugins(), recorder) == TrialOutcome::done);
    std::vector<double> losses;
    for (std::int64_t step = 1; step <= 12; ++step) losses.push_back(recorder.metrics.at({"loss", step}));
    return losses;
}

void check_resumes(const TrialRequest& request) {
    const std::vector<double> whole = losses(request, false);
    CHECK(whole == losses(request, true));
    for (const double loss : whole) CHECK(std::isfinite(loss));
    CHECK(whole.front() != whole.back());
}

const std::string ising = "[energy]\nplugin = \"ising\"\nrows = 3\ncolumns = 4\n";

}  // namespace

TEST_CASE("a training whose chains draw ahead goes on bit for bit") {
    for (const char* sampler : {"single-site-gibbs", "parallel-tempering"})
        check_resumes(request_there(ising + "[sampler]\nplugin = \"" + sampler + "\"\nburn_in = 2\n", "mam-heat-bath"));
}

TEST_CASE("a training that begins hot goes on bit for bit with chains on the device, and takes no others") {
    const auto begun_hot = [](const std::string& sampler) {
        TrialRequest request =
            request_there(ising + "[sampler]\nplugin = \"" + sampler + "\"\nburn_in = 2\n", "mam-heat-bath");
        request.settings.train.anneal_from = 0.2;
        request.settings.train.anneal_steps = 8;
        return request;
    };
    check_resumes(begun_hot("single-site-gibbs"));
    MemoryRecorder recorder;
    CHECK_THROWS_WITH_AS(
        run_trial(begun_hot("metropolis"), shipped_plugins(), recorder),
        "objective 'mam-heat-bath', step 1: train.anneal_from: this sampler draws ahead on the host, where b "
        "may have changed; on a GPU take single-site-gibbs, parallel-tempering or replay, or train on the CPU",
        Error);
}

TEST_CASE("a training on an energy beside the network's passes goes on bit for bit") {
    check_resumes(request_there(ising + "[sampler]\nplugin = \"block-gibbs\"\nsites = 3\n", "mam-balance"));
    check_resumes(request_there(ising + "[sampler]\nplugin = \"block-gibbs\"\nsites = 3\n", "mam-energy"));
}

TEST_CASE("a training on rows that the device gathers goes on bit for bit") {
    const RowsFile rows;
    check_resumes(
        request_there("[dataset]\nplugin = \"table\"\nfile = \"" + rows.path() + "\"\ncategories = 2\n", "ao-arm"));
}

}  // namespace train_on_device
