// Passes of the network in pieces: the same values and gradients, and the same training, but for rounding.
#include <doctest/doctest.h>

#include <memory>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <marginalia/network_joint.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/jit/api/module.h>

#include "kernel/worker/machine/autocast.h"
#include "kernel/worker/model/trial_parts.h"
#include "tests/worker/trial_fixture.h"

namespace train_micro_batch {

using namespace marginalia;

namespace {

constexpr std::int64_t sites = 9, rows = 11, joint_rows = 4;

std::string experiment(const std::string& network, const std::string& train = "") {
    return "name = \"t\"\n[energy]\nplugin = \"ising\"\nrows = 3\ncolumns = 3\n[network]\n" + network +
           "\n[sampler]\nplugin = \"block-gibbs\"\nsites = 2\n[objective]\nplugin = \"mam-energy\"\n[evaluation]\n"
           "samples = 0\nnll_samples = 0\nmarginal_states = 0\n[train]\nsteps = 6\nbatch = 8\nlog_every = 1\n" +
           train;
}

TrialParts shaken(const std::string& network) {
    TrialParts parts = build_trial(request_of(experiment(network)), shipped_plugins());
    at::Generator generator = make_generator(at::kCPU, 3, 7);
    const at::NoGradGuard no_grad;
    for (at::Tensor weights : parts.network->parameters()) weights.add_(0.2 * at::randn(weights.sizes(), generator));
    return parts;
}

at::Tensor states() {
    at::Generator generator = make_generator(at::kCPU, 5, 7);
    return at::randint(0, 3, {rows, sites}, generator, at::kLong);
}

// A value of every method in one scalar whose terms weigh differently, and its gradient by every parameter and by p.
struct Result {
    at::Tensor value;
    std::vector<at::Tensor> gradients;
};

Result all_methods(const Network& network, bool bfloat16) {
    const at::Tensor x = states(), site = at::arange(joint_rows).remainder(sites);
    const at::Tensor full = x.remainder(2);
    at::Tensor p = at::one_hot(full, 2).to(at::kFloat).requires_grad_();
    at::Tensor value;
    {
        const Autocast autocast(bfloat16, at::kCPU);
        autocast.cast(network.parameters());
        const Network::Joint joint = network.joint(x, site);
        value = (joint.log_marginal * at::arange(rows)).sum() + (joint.logits * at::arange(2)).sum() +
                network.log_marginal(x).square().sum() + network.conditional_logits(x).square().sum() +
                network.conditional_at(x, at::arange(rows).remainder(sites)).square().sum() +
                network.log_density(full).sum();
        if (network.has_relaxed()) value = value + network.log_marginal_relaxed(p).square().sum();
    }
    std::vector<at::Tensor> learnt = network.parameters();
    if (network.has_relaxed()) learnt.push_back(p);
    return {value.detach(), torch::autograd::grad({value}, learnt, {}, std::nullopt, false, true)};
}

double relative(const at::Tensor& a, const at::Tensor& b) {
    return ((a - b).norm() / b.norm().clamp_min(1e-6)).item<double>();
}

const char* const networks[] = {"plugin = \"mlp\"\nhidden = 32\nlayers = 2",
                                "plugin = \"lattice-conv\"\nchannels = 8\nlayers = 2\nsite_channels = 3",
                                "plugin = \"transformer\"\nlayers = 2\nwidth = 16\nheads = 2",
                                "plugin = \"recurrent\"\nwidth = 8", "plugin = \"graph\"\nlayers = 2\nwidth = 8"};

}  // namespace

TEST_CASE("passes in pieces give the values and gradients of the whole") {
    for (const char* network : networks)
        for (const bool bfloat16 : {false, true}) {
            CAPTURE(network);
            CAPTURE(bfloat16);
            const TrialParts parts = shaken(network);
            const Result whole = all_methods(*parts.network, bfloat16);
            const double most = bfloat16 ? 0.03 : 1e-4;
            for (const std::int64_t piece : {1, 3, 4, 10}) {
                CAPTURE(piece);
                parts.network->limit_rows(piece);
                const Result pieces = all_methods(*parts.network, bfloat16);
                CHECK(relative(pieces.value, whole.value) < most);
                REQUIRE(pieces.gradients.size() == whole.gradients.size());
                for (std::size_t i = 0; i < whole.gradients.size(); ++i) {
                    CHECK(pieces.gradients[i].defined() == whole.gradients[i].defined());
                    if (whole.gradients[i].defined()) CHECK(relative(pieces.gradients[i], whole.gradients[i]) < most);
                }
                const at::NoGradGuard no_grad;
                CHECK(parts.network->log_marginal(states()).sizes() == at::IntArrayRef{rows});
            }
        }
}

TEST_CASE("no pass has more rows than it may") {
    NetworkBuilder builder("small");
    builder.parameter("w", at::ones({sites}));
    builder.define(R"(
    def log_marginal(self, x: Tensor) -> Tensor:
        assert x.size(0) <= 4
        return (x * self.w).sum(1)

    def conditional_logits(self, x: Tensor) -> Tensor:
        return torch.stack([x * self.w, x * self.w * self.w], 2)
)");
    Network network(std::move(*std::unique_ptr<torch::jit::Module>(builder.release())), {sites, 2, {}});
    CHECK_THROWS(network.log_marginal(states()));
    network.limit_rows(4);
    const at::Tensor sum = network.log_marginal(states()).sum();
    sum.backward();
    CHECK(at::equal(network.parameters()[0].grad(), states().sum(0).to(at::kFloat)));
    network.limit_rows(0);
    CHECK_THROWS(network.log_marginal(states()));
}

TEST_CASE("a training in micro-batches is the same training but for rounding") {
    const auto losses = [](const std::string& train) {
        MemoryRecorder recorder;
        run_trial(request_of(experiment(networks[0], train)), shipped_plugins(), recorder);
        std::vector<double> list;
        for (std::int64_t step = 1; step <= 6; ++step) list.push_back(recorder.metrics.at({"loss", step}));
        return list;
    };
    const std::vector<double> whole = losses(""), pieces = losses("micro_batch = 5\n");
    for (std::size_t i = 0; i < whole.size(); ++i) CHECK(pieces[i] == doctest::Approx(whole[i]).epsilon(1e-4));
    CHECK(whole != pieces);  // else nothing was in pieces
    TrialRequest halved = request_of(experiment(networks[0], "micro_batch = 5\n"));
    halved.micro_batch = 2;
    MemoryRecorder recorder;
    run_trial(std::move(halved), shipped_plugins(), recorder);
    CHECK(recorder.metrics.at({"loss", 6}) == doctest::Approx(whole[5]).epsilon(1e-4));
}

}  // namespace train_micro_batch
