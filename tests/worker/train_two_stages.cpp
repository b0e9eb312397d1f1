// Conditionals first, then marginals distilled from them.
#include <doctest/doctest.h>

#include <ATen/ATen.h>
#include <torch/script.h>

#include <numbers>

#include <marginalia/model.h>

#include "kernel/worker/checkpoint/checkpoint.h"
#include "kernel/worker/model/trial_parts.h"
#include "tests/worker/trial_fixture.h"

namespace train_two_stages {

using namespace marginalia;

namespace {

std::string experiment(const std::string& objective, const std::string& train, const std::string& network = "mlp") {
    return "name = \"t\"\n[energy]\nplugin = \"ising\"\nrows = 3\ncolumns = 3\n[network]\nplugin = \"" + network +
           "\"\n[network.mlp]\nhidden = 128\nlayers = 2\n[network.transformer]\nlayers = 2\nwidth = 24\nheads = "
           "3\nbodies = 2\n[sampler]\nplugin = \"single-site-gibbs\"\n[objective]\n" +
           objective +
           "\n[evaluation]\nsamples = 500\nnll_samples = 500\nmarginal_states = 400\n[train]\nbatch = "
           "64\nlearning_rate = 0.005\n" +
           train;
}

MemoryRecorder run(const std::string& toml, const std::string& start = "") {
    TrialRequest request = request_of(toml);
    request.start_from = start;
    MemoryRecorder recorder;
    CHECK(run_whole_trial(request, shipped_plugins(), recorder) == TrialOutcome::done);
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

// Rows of zeros.
struct Zeros final : Sampler {
    at::Tensor draw(const Network& network, at::Generator&) override {
        return at::zeros({64, network.domain().sites}, at::kLong);
    }
};

// log p of a site is theta_t[number of known sites], whatever is known before it, though the conditionals know better.
constexpr const char* flat = R"(
    def log_marginal(self, x: Tensor) -> Tensor:
        return (self.theta_t[(x < 2).sum(1)].unsqueeze(1) * (x < 2)).sum(1)

    def log_marginal_profile(self, x: Tensor) -> Tensor:
        return (self.theta_t[(x < 2).sum(1)].unsqueeze(1) * (x < 2)).unsqueeze(2).expand(-1, -1, 2)

    def conditional_logits(self, x: Tensor) -> Tensor:
        known = (x < 2).to(self.phi_a.dtype).mean([1], keepdim=True)
        sure = (self.phi_a * known).unsqueeze(2).expand(-1, 8, 1)
        return torch.cat([sure, torch.zeros_like(sure)], 2)
)";

const Domain flat_domain{8, 2, {{8}, false}};

std::unique_ptr<torch::jit::Module> flat_module() {
    NetworkBuilder builder("flat");
    builder.parameter("theta_t", at::zeros({9}));
    builder.parameter("phi_a", at::full({1}, 6.0));
    builder.define(flat);
    return std::unique_ptr<torch::jit::Module>(builder.release());
}

// log p of a symbol 0 where `known` sites are known, by the conditionals.
double flat_conditional(double known) { return -std::log1p(std::exp(-6.0 * known / 8)); }

// mam-distill of 64 rows of that domain, by the path alone; `changed`: what differs from two points of half full rows.
std::unique_ptr<Objective> distillation(const std::map<std::string, ParameterValue, std::less<>>& changed) {
    std::map<std::string, ParameterValue, std::less<>> values = changed;
    values.insert({{"penalty", 0.0},
                   {"own", 0.0},
                   {"resampling", std::int64_t{1}},
                   {"own_steps", std::int64_t{1}},
                   {"path_rows", std::int64_t{64}},
                   {"path_points", std::int64_t{2}},
                   {"path_pool", std::int64_t{0}},
                   {"full", 0.5},
                   {"path_hidden", 0.0},
                   {"sites", 25.0},
                   {"copy_body", false}});
    const auto create = reinterpret_cast<ObjectiveFactory>(shipped_plugins().factory("objective", "mam-distill"));
    return std::unique_ptr<Objective>(create(Params(values), {flat_domain, 64, at::kCPU, nullptr}));
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
    for (const std::string& way : {"path_rows = 0", "penalty = 0.0", "penalty = 0.0\npath_pool = 100", ""}) {
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

TEST_CASE("stage 2 begins with the conditionals' body and readout, each of the marginals' nodes alike") {
    const std::string network = "transformer\"\nreadout = \"softmax";
    const std::string start = run(experiment("plugin = \"ao-arm\"", "steps = 20", network)).checkpoints.back().second;
    const std::string toml = experiment("plugin = \"mam-distill\"", "steps = 1", network);
    for (const bool copied : {true, false}) {
        TrialRequest request = request_of(toml);
        request.start_from = start;
        request.settings.train.learning_rate = 1e-12;
        request.settings.plugins["objective"].parameters["copy_body"] = copied;
        MemoryRecorder recorder;
        CHECK(run_whole_trial(request, shipped_plugins(), recorder) == TrialOutcome::done);
        for (const auto& [name, value] : weights(toml, recorder.checkpoints.back().second)) {
            CAPTURE(name);
            if (!name.starts_with("theta_")) continue;
            const at::Tensor own = weights(toml, start).at("phi_" + name.substr(6));
            if (name == "theta_v" || name == "theta_c") CHECK(own.abs().max().item<double>() > 1e-3);
            if (copied) CHECK(at::allclose(value, own.expand_as(value), 0, 1e-9));
            else CHECK_FALSE(at::allclose(value, own.expand_as(value), 0, 1e-9));
        }
    }
}

TEST_CASE("marginals with profiles come to the mean over orders of log p of the conditionals") {
    std::string readout, steps;
    SUBCASE("linear") { readout = "linear", steps = "1500"; }
    SUBCASE("softmax, which learns in a third of the steps") { readout = "softmax", steps = "500"; }
    const std::string network = "transformer\"\nreadout = \"" + readout;
    const std::string first = experiment("plugin = \"ao-arm\"", "steps = 300", network);
    const std::string start = run(first).checkpoints.back().second;
    const std::string toml =
        experiment("plugin = \"mam-distill\"\npenalty = 0\npath_rows = 64\npath_points = 2\nown_steps = 3",
                   "steps = " + steps + "\nschedule = \"cosine\"\nema = 0.98", network);
    const MemoryRecorder stage2 = run(toml, start);
    const auto before = weights(first, start), after = weights(toml, stage2.checkpoints.back().second);
    for (const auto& [name, value] : before)
        if (name.starts_with("phi_")) CHECK(at::equal(value, after.at(name)));

    const TrialParts parts = build_trial(request_of(toml), shipped_plugins());
    load_weights(stage2.checkpoints.back().second, *parts.network);
    const at::NoGradGuard no_grad;
    at::Generator generator = make_generator(at::kCPU, 1, 12);
    const at::Tensor states = at::arange(512).unsqueeze(1).bitwise_right_shift(at::arange(9)).bitwise_and(1);
    const at::Tensor halves = states.masked_fill(at::rand({512, 9}, generator) < 0.5, 2);
    // Over the states as the model draws them: of rare ones it has seen little.
    at::Tensor probability;
    for (const at::Tensor& x : {states, halves}) {
        at::Tensor mean = at::zeros({512}, at::kDouble);
        for (int i = 0; i < 50; ++i) mean += estimate_log_density(*parts.network, x, 16, generator) / 50;
        if (!probability.defined()) probability = mean.softmax(0);
        const at::Tensor off = parts.network->log_marginal(x) - mean;
        CHECK(mean.std().item<double>() > 0.8);
        CHECK((probability * off.square()).sum().sqrt().item<double>() < 0.1);
        CHECK(std::abs((probability * off).sum().item<double>()) < 0.03);
    }
}

TEST_CASE("profiles that cannot follow what is known come to a mean") {
    double hidden = 0, sites = 1e-9;
    SUBCASE("over orders") {}
    SUBCASE("over orders of states with at least three tenths hidden, which the last sites are taken to be like") {
        hidden = 0.3;
    }
    SUBCASE("over the points, however many sites these hide, where each site learns for itself") { sites = 1e9; }
    const std::unique_ptr<torch::jit::Module> module = flat_module();
    const Network network(*module, flat_domain);
    const std::unique_ptr<Objective> objective = distillation({{"path_hidden", hidden}, {"sites", sites}});
    Zeros zeros;
    at::Tensor theta = network.module().attr("theta_t").toTensor();
    // The loss is a square in each number: its slopes at two places, from the same draws, tell where it is least.
    const auto slopes = [&](double place) {
        at::Generator generator = make_generator(at::kCPU, 5, 5);
        theta.set_data(at::full({9}, place));
        for (std::int64_t i = 1; i <= 600; ++i) {
            TrainingStep step{i, network, &zeros, nullptr, nullptr, generator, {}, generator};
            objective->loss(step).backward();
        }
        const at::Tensor sum = theta.grad().to(at::kDouble).clone();
        theta.mutable_grad().reset();
        return sum;
    };
    const at::Tensor at_0 = slopes(0), at_1 = slopes(-1), root = -at_0 / (at_0 - at_1);
    for (std::int64_t s = 1; s <= 8; ++s) {
        CAPTURE(s);
        double exact = 0;
        for (std::int64_t d = 0; d < s; ++d) {
            const double length = static_cast<double>(s), place = static_cast<double>(d);
            const double known = std::min(place, std::floor(length * (1 - hidden)));
            // A point asks for d known sites with the arcsine law; along an order each number of them comes once.
            const double points = length * 2 / std::numbers::pi *
                                  (std::asin(std::sqrt((place + 1) / length)) - std::asin(std::sqrt(place / length)));
            exact += (sites > 1 ? points : 1) * flat_conditional(known);
        }
        CHECK(std::abs(static_cast<double>(s) * root[s].item<double>() - exact) < 0.06);
    }
}

TEST_CASE("a pool of paths has log p_φ along an order without noise, and all sizes alike") {
    const std::unique_ptr<torch::jit::Module> module = flat_module();
    const Network network(*module, flat_domain);
    const std::unique_ptr<Objective> objective = distillation({{"path_pool", std::int64_t{64}}});
    Zeros zeros;
    at::Generator generator = make_generator(at::kCPU, 5, 5);
    at::Tensor exact = at::zeros({9});  // a site, as the module has it
    double sum = 0;
    for (std::int64_t s = 1; s <= 8; ++s) {
        sum += flat_conditional(static_cast<double>(s - 1));
        exact[s] = sum / static_cast<double>(s);
    }
    const auto loss = [&](std::int64_t number, double off) {
        network.module().attr("theta_t").toTensor().set_data(exact + off);
        TrainingStep step{number, network, &zeros, nullptr, nullptr, generator, {}, generator};
        return objective->loss(step).item<double>();
    };
    for (std::int64_t step = 1; step <= 20; ++step) CHECK(loss(step, 0) < 1e-10);
    // Eight rows of each size s, each off by s / 10.
    for (std::int64_t step = 21; step <= 40; ++step) CHECK(loss(step, 0.1) == doctest::Approx(0.01 * 204 / 8));
}

TEST_CASE("a second stage that was stopped goes on to the same bits, its own states and paths included") {
    std::string way;
    SUBCASE("own states") { way = "path_points = 2\nown_steps = 4"; }
    SUBCASE("paths") { way = "path_pool = 30"; }
    const std::string start =
        run(experiment("plugin = \"ao-arm\"", "steps = 20", "transformer")).checkpoints.back().second;
    TrialRequest request =
        request_of(experiment("plugin = \"mam-distill\"\npenalty = 0\n" + way, "steps = 12\nema = 0.9", "transformer"));
    request.start_from = start;
    MemoryRecorder unbroken, resumed;
    run_whole_trial(request, shipped_plugins(), unbroken);
    resumed.stop_after = 6;  // between two draws of own states
    CHECK(run_whole_trial(request, shipped_plugins(), resumed) == TrialOutcome::stopped);
    request.checkpoint = resumed.checkpoints.back().second;
    resumed.stop_after = -1;
    CHECK(run_whole_trial(request, shipped_plugins(), resumed) == TrialOutcome::done);
    CHECK(unbroken.checkpoints.back() == resumed.checkpoints.back());
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
            run_whole_trial(request_of(toml), shipped_plugins(), recorder);
        } catch (const Error& error) {
            return error.what();
        }
        return "";
    };
    CHECK(refusal(experiment("plugin = \"mam-distill\"", "steps = 1", "mps")) ==
          "objective 'mam-distill', step 1: the network's marginals are exact by construction, so there is nothing to "
          "distil");
    CHECK(refusal(experiment("plugin = \"mam-distill\"\npenalty = 0\npath_rows = 0", "steps = 1"))
              .find("penalty = 0 and path_rows = 0 leave nothing to learn") != std::string::npos);
}

}  // namespace train_two_stages
