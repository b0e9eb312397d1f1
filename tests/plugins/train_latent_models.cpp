// Variational autoencoders and generators with a critic, against integrals over their codes; and discrete flows.
#include <doctest/doctest.h>

#include <cmath>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <marginalia/network_joint.h>
#include <marginalia/objective.h>
#include <torch/script.h>

#include "kernel/worker/check/chi_square.h"
#include "kernel/worker/model/trial_parts.h"
#include "tests/worker/every_state.h"
#include "tests/worker/rows_file.h"
#include "tests/worker/trial_fixture.h"

namespace train_latent_models {

using namespace marginalia;

namespace {

using Values = std::map<std::string, ParameterValue, std::less<>>;

const Tick no_tick = [] {};

std::unique_ptr<Network> network_of(const std::string& plugin, const Domain& domain, const Values& values) {
    at::Generator weights = make_generator(at::kCPU, 1, 20);
    const auto factory = reinterpret_cast<NetworkFactory>(shipped_plugins().factory("network", plugin));
    const std::unique_ptr<torch::jit::Module> module(factory(Params(values), domain, weights));
    auto network = std::make_unique<Network>(*module, domain);
    const at::NoGradGuard no_grad;
    for (at::Tensor& parameter : network->parameters()) parameter.add_(at::randn(parameter.sizes(), weights), 0.3);
    return network;
}

std::unique_ptr<Objective> objective_of(const std::string& plugin, const Domain& domain, const Values& values) {
    const auto factory = reinterpret_cast<ObjectiveFactory>(shipped_plugins().factory("objective", plugin));
    return std::unique_ptr<Objective>(factory(Params(values), TrainingSetup{domain, 64, at::kCPU}));
}

const Domain line{4, 3, {{4}, false}};

Values codes(std::int64_t score_codes) {
    return {{"codes", std::int64_t{5}}, {"score_codes", score_codes}, {"partial", 0.25}};
}

// An autoencoder of one code, so that log p(x_S) is an integral along a line.
struct OneCode {
    std::unique_ptr<Network> network =
        network_of("vae", line, {{"code", std::int64_t{1}}, {"width", std::int64_t{4}}, {"body", "auto"}});
    at::Generator generator = make_generator(at::kCPU, 1, 21);

    // The encoder's guess near the prior, so that few codes will do, and states that depend much on the code.
    OneCode() {
        const at::NoGradGuard no_grad;
        for (auto& [name, weights] : network->named_parameters())
            if (name.starts_with("read_")) weights.mul_(0.2);
            else if (name == "code_w") weights.mul_(8);
    }

    std::unique_ptr<Model> model(std::int64_t score_codes) {
        return objective_of("vae", line, codes(score_codes))->model(*network, generator, no_tick);
    }

    // log of the integral of p(x_S | z) N(z; 0, 1) over z, by the trapezoidal rule.
    at::Tensor log_p(const at::Tensor& x) const {
        constexpr std::int64_t points = 4001;
        constexpr double most = 9;
        const at::Tensor z = at::linspace(-most, most, points, at::kFloat).unsqueeze(1);
        const at::Tensor p = network->by_rows("decode", {z}).to(at::kDouble).log_softmax(2);       // (points, D, K)
        const at::Tensor known = at::cat({p, at::zeros({points, p.size(1), 1}, at::kDouble)}, 2);  // □ counts 1
        const at::Tensor of_state = known.unsqueeze(0)
                                        .expand({x.size(0), -1, -1, -1})
                                        .gather(3, x.view({x.size(0), 1, -1, 1}).expand({-1, points, -1, -1}))
                                        .sum({2, 3});
        const double step = 2 * most / (points - 1);
        const at::Tensor log_normal = -0.5 * z.to(at::kDouble).square().squeeze(1) - 0.5 * std::log(2 * M_PI);
        return (of_state + log_normal).logsumexp({1}) + std::log(step);
    }
};

// The mean of log_density over the rows and so many repeats, and its standard error.
std::pair<double, double> mean_of_repeats(const Model& model, const at::Tensor& x, std::int64_t repeats,
                                          at::Generator& generator) {
    const at::Tensor mean =
        model.log_density(x.repeat({repeats, 1}), generator, no_tick).view({repeats, x.size(0)}).mean(1);
    return {mean.mean().item<double>(), mean.std().item<double>() / std::sqrt(static_cast<double>(repeats))};
}

at::Tensor partial_rows(at::Generator& generator) {
    return at::randint(line.categories + 1, {40, line.sites}, generator, at::kLong);
}

bool follows(const at::Tensor& x, const at::Tensor& p, const Domain& domain) {
    const at::Tensor powers = at::tensor({1, 3, 9, 27}, at::kLong).slice(0, 0, domain.sites);
    const at::Tensor counts = at::bincount((x * powers).sum(1), {}, p.numel());
    const auto size = static_cast<std::size_t>(p.numel());
    const ChiSquare result =
        chi_square({p.const_data_ptr<double>(), size}, {counts.const_data_ptr<std::int64_t>(), size});
    CAPTURE(result.text());
    return result.plausible();
}

}  // namespace

TEST_CASE("vae: log p of full and partial states is the integral over codes") {
    OneCode c;
    const at::NoGradGuard no_grad;
    CHECK(std::abs(c.log_p(every_state(line)).exp().sum().item<double>() - 1) < 1e-5);
    const at::Tensor x = partial_rows(c.generator);
    const at::Tensor error = c.model(4000)->log_marginal(x) - c.log_p(x);
    CHECK(error.abs().max().item<double>() < 0.15);
    CHECK(at::equal(c.model(50)->log_marginal(x), c.model(50)->log_marginal(x)));
}

TEST_CASE("vae: the bound of given states is below log p, rises with the codes and closes in on it") {
    OneCode c;
    const at::NoGradGuard no_grad;
    const at::Tensor x = every_state(line).slice(0, 0, 81, 8);
    const double exact = c.log_p(x).mean().item<double>();
    const auto [by_one, error_of_one] = mean_of_repeats(*c.model(1), x, 2048, c.generator);
    double before = by_one, error_before = error_of_one;
    for (const std::int64_t number : {8, 64, 512}) {
        const auto [mean, error] = mean_of_repeats(*c.model(number), x, 32, c.generator);
        CAPTURE(number);
        CHECK(mean < exact + 5 * error);
        CHECK(mean > before - 5 * (error + error_before));
        before = mean;
        error_before = error;
    }
    CHECK(by_one < exact - 5 * error_of_one);
    CHECK(exact - before < 0.02);
}

TEST_CASE("vae: drawn states follow p, and their log p is at least so much on average") {
    OneCode c;
    const at::NoGradGuard no_grad;
    const Generated drawn = c.model(4)->generate(4096, c.generator, no_tick);
    CHECK(follows(drawn.x, c.log_p(every_state(line)).exp(), line));
    const at::Tensor above = drawn.log_p - c.log_p(drawn.x);
    const double error = above.std().item<double>() / std::sqrt(4096.0);
    CHECK(above.mean().item<double>() > -5 * error);
    CHECK(above.mean().item<double>() < 2);
}

TEST_CASE("vae: completions keep what is known and follow p given it") {
    OneCode c;
    const at::NoGradGuard no_grad;
    const at::Tensor given = at::tensor({1, 3, 0, 3}, at::kLong).expand({2048, 4});
    const Generated full = c.model(100)->complete(given, c.generator, no_tick);
    CHECK((full.x.select(1, 0) == 1).all().item<bool>());
    CHECK((full.x.select(1, 2) == 0).all().item<bool>());
    const at::Tensor states = every_state(line);
    const at::Tensor fits = (states.select(1, 0) == 1) & (states.select(1, 2) == 0);
    const at::Tensor p = c.log_p(states).exp().masked_fill(fits.logical_not(), 0);
    CHECK(follows(full.x, p / p.sum(), line));
}

TEST_CASE("flows: p sums to 1 and is that of independent symbols, permuted") {
    const at::NoGradGuard no_grad;
    for (const char* kind : {"bipartite", "autoregressive"}) {
        CAPTURE(kind);
        const auto network = network_of("discrete-flow", line,
                                        {{"kind", std::string(kind)},
                                         {"base", "independent"},
                                         {"flows", std::int64_t{4}},
                                         {"width", std::int64_t{8}},
                                         {"blocks", std::int64_t{1}},
                                         {"temperature", 0.1}});
        const at::Tensor states = every_state(line), log_p = network->log_density(states).to(at::kDouble);
        CHECK(std::abs(log_p.exp().sum().item<double>() - 1) < 1e-5);
        const at::Tensor base = network->module().attr("base").toTensor().log_softmax(1).to(at::kDouble);
        const at::Tensor of_base =
            base.unsqueeze(0).expand({states.size(0), -1, -1}).gather(2, states.unsqueeze(2)).sum({1, 2});
        CHECK(at::allclose(std::get<0>(log_p.sort()), std::get<0>(of_base.sort()), 0, 1e-5));
        CHECK_FALSE(at::allclose(log_p, of_base, 0, 1e-2));
        at::Generator generator = make_generator(at::kCPU, 1, 22);
        const auto model = objective_of("discrete-flow", line, {})->model(*network, generator, no_tick);
        const Generated drawn = model->generate(4096, generator, no_tick);
        CHECK(follows(drawn.x, log_p.exp(), line));
        CHECK(at::allclose(drawn.log_p, network->log_density(drawn.x).to(at::kDouble)));
        CHECK_THROWS_WITH_AS(model->log_density(at::full({1, 4}, 3, at::kLong), generator, no_tick),
                             "a discrete flow has no density for partial states; give full ones", Error);
        CHECK_THROWS_WITH_AS(network->conditional_logits(states),
                             "the network has no method 'conditional_logits', which is asked of it here; its page in "
                             "docs/plugins names the objectives that it is for",
                             Error);
    }
}

TEST_CASE("an autoregressive base, alone and behind flows: p sums to 1 and draws follow it; sites depend on others") {
    const at::NoGradGuard no_grad;
    for (const std::int64_t flows : {0, 1, 2}) {
        CAPTURE(flows);
        Values values{{"kind", "autoregressive"}, {"base", "autoregressive"},  {"flows", flows},
                      {"width", std::int64_t{8}}, {"blocks", std::int64_t{1}}, {"temperature", 0.1}};
        const auto network = network_of("discrete-flow", line, values);
        const at::Tensor states = every_state(line), p = network->log_density(states).to(at::kDouble).exp();
        CHECK(std::abs(p.sum().item<double>() - 1) < 1e-5);
        at::Generator generator = make_generator(at::kCPU, 1, 24);
        const auto model = objective_of("discrete-flow", line, {})->model(*network, generator, no_tick);
        CHECK(follows(model->generate(4096, generator, no_tick).x, p, line));
        const at::Tensor joint = p.view({27, 3}), ones = joint.sum(1, true);
        CHECK_FALSE(at::allclose(joint / ones, (joint.sum(0, true) / p.sum()).expand({27, 3}), 0, 1e-2));
        values["kind"] = "bipartite";
        CHECK_THROWS_WITH_AS(network_of("discrete-flow", line, values),
                             "base = \"autoregressive\" goes with kind = \"autoregressive\" alone", Error);
    }
}

TEST_CASE("gan: the model draws states and knows no probability") {
    const auto network =
        network_of("gan", line, {{"code", std::int64_t{2}}, {"width", std::int64_t{4}}, {"body", "perceptron"}});
    at::Generator generator = make_generator(at::kCPU, 1, 23);
    const auto model = objective_of("gan", line, {{"gradient", "gumbel"}, {"temperature", 1.0}, {"decay", 0.3}})
                           ->model(*network, generator, no_tick);
    CHECK(model->density() == Model::Density::none);
    const at::NoGradGuard no_grad;
    const Generated drawn = model->generate(4096, generator, no_tick);
    CHECK(drawn.log_p.isnan().all().item<bool>());
    CHECK(drawn.x.max().item<std::int64_t>() == 2);
    CHECK_THROWS_WITH_AS(
        model->log_density(drawn.x, generator, no_tick),
        "a generative adversarial network draws states and knows no probability; use sample, or another objective",
        Error);
}

namespace {

std::map<std::string, double> finals_of(const std::string& network, const std::string& objective) {
    const RowsFile file;
    MemoryRecorder recorder;
    run_whole_trial(request_of("name = \"t\"\n[dataset]\nplugin = \"table\"\nfile = \"" + file.path() +
                               "\"\n[network]\nplugin = \"" + network + "\"\n" +
                               (network == "mlp" ? "hidden = 8\n" : "") + "[objective]\nplugin = \"" + objective +
                               "\"\n[train]\nsteps = 20\nbatch = 16\n[evaluation]\nsamples = 32\nnll_samples = 10\n"
                               "ranking_groups = 0\nensemble_rows = 0\nmarginal_rows = 20\n[run]\ndevice = \"cpu\"\n"),
                    shipped_plugins(), recorder);
    return recorder.finals;
}

}  // namespace

TEST_CASE("what a trial of each family records: its figures of likelihood and of pictures") {
    const auto vae = finals_of("vae", "vae"), gan = finals_of("gan", "gan"),
               flow = finals_of("discrete-flow", "discrete-flow");
    for (const auto* figures : {&vae, &gan, &flow})
        for (const char* name : {"pixel_distance", "pair_distance", "pair_distance_floor", "unique"})
            CHECK(figures->contains(name));
    CHECK(flow.contains("nll_bits"));
    CHECK(flow.contains("conditional_seconds"));
    CHECK_FALSE(flow.contains("marginal_seconds"));
    CHECK(vae.at("marginal_passes") == 501);
    CHECK(vae.at("marginal_gap") < 1);
    CHECK_FALSE(flow.contains("marginal_gap"));
    CHECK_FALSE(gan.contains("marginal_gap"));
    CHECK(vae.contains("nll_bits_bound"));
    CHECK(vae.contains("marginal_seconds"));
    CHECK_FALSE(vae.contains("nll_bits"));
    for (const auto& [name, value] : gan) {
        CAPTURE(name);
        CHECK_FALSE(name.starts_with("nll"));
        CHECK(std::isfinite(value));
    }
}

TEST_CASE("an objective says which network it is for") {
    CHECK_THROWS_WITH_AS(finals_of("mlp", "vae"),
                         "objective 'vae', step 1: objective 'vae' needs a network with the method 'decode' and codes, "
                         "and this one has not; use "
                         "network 'vae'",
                         Error);
}

}  // namespace train_latent_models
