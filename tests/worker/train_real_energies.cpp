// Energies of real numbers: evaluated in batches, sampled, learnt and asked about.
#include <doctest/doctest.h>

#include <cmath>
#include <numbers>

#include <ATen/ATen.h>
#include <marginalia/real_energy.h>
#include <marginalia/real_sites.h>

#include "kernel/worker/evaluate/sinkhorn.h"
#include "kernel/worker/model/batch_energy.h"
#include "kernel/worker/model/trial_parts.h"
#include "tests/worker/inference_fixture.h"
#include "tests/worker/trial_refusal.h"

namespace train_real_energies {

using namespace inference_fixture;

namespace {

const std::string two_modes =
    "plugin = \"gaussian-mixture\"\ndimensions = 2\nmodes = 2\nspread = 3.0\ndeviation = 1.0\n";

std::string experiment(const std::string& energy, const std::string& objective, const std::string& sampler,
                       const std::string& train, const std::string& rest = "") {
    return "name = \"t\"\n[energy]\n" + energy + "[network]\nplugin = \"mlp\"\nhidden = 64\nlayers = 2\n[objective]\n" +
           objective + (sampler.empty() ? "" : "[sampler]\n" + sampler) + "[train]\n" + train +
           "[evaluation]\nsamples = 400\nnll_samples = 400\nmarginal_states = 200\nmarginal_time = false\n" + rest;
}

void expect_learnt(const MemoryRecorder& recorder, double most_kl) {
    CHECK(std::abs(recorder.finals.at("kl")) < most_kl);
    CHECK(std::abs(recorder.finals.at("forward_kl")) < most_kl);
    CHECK(recorder.finals.at("ess") > 0.7);
    CHECK(std::abs(recorder.finals.at("log_z_importance")) < 0.1);
    CHECK(recorder.finals.at("marginal_rmse") < 0.5);
    CHECK(recorder.finals.at("sinkhorn") < 3 * recorder.finals.at("sinkhorn_floor"));
    CHECK_FALSE(recorder.finals.contains("nll_bits"));
}

}  // namespace

TEST_CASE("a batch of states with numbers has the energy's own log f, and partial ones its marginals") {
    const TrialParts parts = build_energy(
        request_of(experiment(two_modes, "plugin = \"mam-energy\"\n", "plugin = \"ancestral\"\n", "steps = 1\n")),
        shipped_plugins());
    const at::Tensor v = at::tensor({0.5, -1.0, 0.0, 2.0}, at::kDouble).view({2, 2}), x = real_states(v);
    std::vector<double> right(2), marginals(2);
    const std::vector<std::uint8_t> known(4, 0);
    parts.energy->mixed_log_densities({known, 2}, {v.const_data_ptr<double>(), 4}, right);
    CHECK(at::allclose(parts.batch_energy->log_density(x), at::tensor(right, at::kDouble)));
    const at::Tensor partial = x.clone();
    partial.select(1, 1).fill_(2);
    const auto always = [](std::int64_t, double) { return true; };
    REQUIRE(parts.batch_energy->log_marginals(partial, marginals, always));
    double sum = 0;  // over the number that is not known
    for (double other = -6; other < 6; other += 0.01) {
        const at::Tensor full = real_states(at::tensor({0.5, other}, at::kDouble).unsqueeze(0));
        sum += 0.01 * std::exp(parts.batch_energy->log_density(full).item<double>());
    }
    CHECK(marginals[0] == doctest::Approx(std::log(sum)).epsilon(1e-6));
    const SplitStates split = split_states(partial);
    CHECK(split.symbols == std::vector<std::uint8_t>{0, 2, 0, 2});
    CHECK(split.reals[0] == doctest::Approx(0.5));
    CHECK(split.reals[1] == 0);
}

TEST_CASE("the chains of slice follow a target of two modes, and go on from a checkpoint bit for bit") {
    const TrialRequest request = request_of(experiment(
        two_modes, "plugin = \"ao-arm\"\n",
        "plugin = \"slice\"\ntemperatures = 4\nhottest = 0.1\nburn_in = 50\nsweeps = 5\n", "steps = 1\nbatch = 500\n"));
    const TrialParts parts = build_trial(request, shipped_plugins());
    at::Generator generator = make_generator(at::kCPU, 0, 2);
    const at::NoGradGuard no_grad;
    std::vector<at::Tensor> drawn;
    for (int i = 0; i < 8; ++i) drawn.push_back(real_values(parts.sampler->draw(*parts.network, generator)));
    const at::Tensor v = at::cat(drawn);
    // Scaled to mean 0 and variance 1; the modes are far apart, so that a state's mode is most of its variance.
    CHECK(v.mean(0).abs().max().item<double>() < 0.12);
    CHECK((v.square().mean(0) - 1).abs().max().item<double>() < 0.12);
    const TrialParts other = build_trial(request, shipped_plugins());
    other.sampler->load(parts.sampler->state());
    CHECK(at::equal(parts.sampler->draw(*parts.network, generator), other.sampler->draw(*other.network, generator)));
}

TEST_CASE("a target of two modes is learnt from its energy by mam-energy and mam-balance") {
    for (const std::string objective : {"mam-energy", "mam-balance"}) {
        CAPTURE(objective);
        MemoryRecorder recorder;
        run_whole_trial(request_of(experiment(two_modes, "plugin = \"" + objective + "\"\n", "plugin = \"ancestral\"\n",
                                              "steps = 500\nbatch = 128\nlearning_rate = 5e-3\n")),
                        shipped_plugins(), recorder);
        expect_learnt(recorder, 0.3);
    }
}

TEST_CASE("a target of two modes is learnt from its own states by mam-joint") {
    MemoryRecorder recorder;
    run_whole_trial(request_of(experiment(two_modes, "plugin = \"mam-joint\"\n", "plugin = \"exact\"\n",
                                          "steps = 400\nbatch = 256\nlearning_rate = 5e-3\n")),
                    shipped_plugins(), recorder);
    expect_learnt(recorder, 0.2);
}

TEST_CASE("the same target in Gray bits has the same figures") {
    MemoryRecorder recorder;
    run_whole_trial(request_of(experiment(two_modes + "encoding = \"gray\"\nbits = 5\n", "plugin = \"mam-joint\"\n",
                                          "plugin = \"exact\"\n", "steps = 300\nbatch = 128\nlearning_rate = 5e-3\n")),
                    shipped_plugins(), recorder);
    CHECK(std::abs(recorder.finals.at("kl")) < 0.3);
    CHECK(recorder.finals.at("sinkhorn") < 3 * recorder.finals.at("sinkhorn_floor"));
}

TEST_CASE("a lattice's chains are its reference states, and its observables figures") {
    MemoryRecorder recorder;
    run_whole_trial(
        request_of(experiment("plugin = \"phi4\"\nrows = 2\ncolumns = 2\nkappa = 0.2\n", "plugin = \"mam-joint\"\n",
                              "plugin = \"slice\"\nsweeps = 2\n", "steps = 300\nbatch = 128\nlearning_rate = 5e-3\n",
                              "[reference]\nplugin = \"slice\"\nsweeps = 5\n")),
        shipped_plugins(), recorder);
    CHECK(recorder.finals.at("reference_rhat") < 1.2);
    CHECK(std::abs(recorder.finals.at("kl")) < 0.1);
    CHECK(recorder.finals.at("observable_error.abs_magnetisation") < 0.1);
    CHECK(recorder.finals.at("log_z_importance_error") < 0.05);
}

TEST_CASE("a model of an energy's numbers is sampled and asked about in its own units") {
    MemoryRecorder recorder;
    InferenceRequest request;
    request.trial = request_of(experiment("plugin = \"many-well\"\ndimensions = 2\n", "plugin = \"mam-joint\"\n",
                                          "plugin = \"exact\"\n", "steps = 3\nbatch = 16\n"));
    run_whole_trial(request.trial, shipped_plugins(), recorder);
    request.trial.checkpoint = recorder.checkpoints.back().second;
    request.output.format = StateFormat::json;
    request.verb = InferenceRequest::Verb::complete;
    request.states = "1=1.5";
    request.states_are_text = true;
    request.count = 2;
    const auto completed = lines(answer(request));
    REQUIRE(completed.size() == 2);
    CHECK(completed[1].at("row").at("1").get<double>() == doctest::Approx(1.5));
    request.verb = InferenceRequest::Verb::score;
    request.states = "1.5,0";
    CHECK(answer(request).find("log_marginal") != std::string::npos);
    request.trial.checkpoint.clear();  // the energy itself
    CHECK(answer(request).starts_with("row,log_f\n0,9.18"));
}

TEST_CASE("what knows symbols alone is refused for numbers, in a sentence") {
    const auto refused = [](const std::string& objective, const std::string& sampler, const std::string& rest = "") {
        return refusal(request_of(experiment(two_modes, objective, sampler, "steps = 1\n", rest)));
    };
    CHECK(refused("plugin = \"ao-arm\"\n", "plugin = \"metropolis\"\n")
              .find("sampler 'metropolis' takes sites that all") != std::string::npos);
    CHECK(
        refused("plugin = \"gflownet-tb\"\n", "plugin = \"ancestral\"\n").find("objective 'gflownet-tb' takes sites") !=
        std::string::npos);
    CHECK(refused("plugin = \"mam-energy\"\n", "plugin = \"ancestral\"\n", "ais_chains = 8\n")
              .find("evaluation.ais_chains anneals from equally likely symbols") != std::string::npos);
}

TEST_CASE("the transport between clouds: single points, a shifted cloud, a cloud and itself") {
    const auto never = [] {};
    const auto point = [](double x, double y) { return at::tensor({x, y}, at::kDouble).unsqueeze(0); };
    CHECK(sinkhorn_distance(point(0, 0), point(3, 4), never) == doctest::Approx(25));
    CHECK(sinkhorn_distance(point(1, 1), point(1, 1), never) == 0);
    at::Generator generator = make_generator(at::kCPU, 0, 2);
    const at::Tensor cloud = at::randn({200, 2}, generator, at::kDouble);
    const double own = sinkhorn_distance(cloud, cloud, never);
    CHECK(own < 0.02);  // of a mean squared distance of 4
    // The best plan from a cloud to itself moved by 10 moves each point by 10.
    CHECK(sinkhorn_distance(cloud, cloud + at::tensor({10.0, 0.0}, at::kDouble), never) ==
          doctest::Approx(100).epsilon(0.02));
}

}  // namespace train_real_energies
