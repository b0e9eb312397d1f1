// Networks on sites that hold real numbers or different numbers of symbols.
#include <doctest/doctest.h>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <marginalia/network_joint.h>
#include <marginalia/real_sites.h>
#include <marginalia/site_terms.h>
#include <torch/script.h>

#include "kernel/worker/model/trial_parts.h"
#include "tests/worker/trial_fixture.h"

namespace train_mixed_networks {

using namespace marginalia;

namespace {

// A number, three symbols, a number, two symbols.
const Domain mixed{4, 3, {{4}, false}, {}, {0, 3, 0, 2}};

std::unique_ptr<Network> network_of(const std::string& table, const Domain& domain, double shaken = 0.3) {
    const auto request =
        request_of("name = \"t\"\n[energy]\nplugin = \"ising\"\nrows = 2\ncolumns = 2\n[network]\n" + table +
                   "[sampler]\nplugin = \"ancestral\"\n[objective]\nplugin = \"mam-energy\"\n");
    const PluginTable& plugin = request.settings.plugin("network");
    const PluginHost& plugins = shipped_plugins();
    const auto factory = reinterpret_cast<NetworkFactory>(plugins.factory("network", plugin.plugin));
    at::Generator generator = make_generator(at::kCPU, 1, 1);
    const std::unique_ptr<torch::jit::Module> module(factory(
        params_of(plugin.parameters, plugins.manifest("network", plugin.plugin).parameters), domain, generator));
    auto network = std::make_unique<Network>(*module, domain);
    const at::NoGradGuard no_grad;
    for (at::Tensor weights : network->parameters()) weights.add_(shaken * at::randn(weights.sizes(), generator));
    return network;
}

// Full and partial states, and all □.
at::Tensor states() {
    at::Generator generator = make_generator(at::kCPU, 3, 3);
    const at::Tensor numbers = real_states(2 * at::randn({40, 2}, generator));
    const at::Tensor three = at::randint(3, {40, 1}, generator, at::kLong),
                     two = at::randint(2, {40, 1}, generator, at::kLong);
    const at::Tensor full = at::cat({numbers.slice(1, 0, 1), three, numbers.slice(1, 1), two}, 1);
    const at::Tensor share = at::arange(40).unsqueeze(1) / 39.0;
    return full.masked_fill(at::rand({40, 4}, generator) < share, 3);
}

const char* const tables[] = {
    "plugin = \"mlp\"\nhidden = 16\nlayers = 2\ncomponents = 3\n",
    "plugin = \"transformer\"\nlayers = 1\nwidth = 16\nheads = 2\ncomponents = 3\n",
    "plugin = \"transformer\"\nlayers = 1\nwidth = 16\nheads = 2\nbodies = 2\nreadout = \"softmax\"\n",
};

}  // namespace

TEST_CASE("log p of the empty set is 0 and all heads agree with each other") {
    const at::NoGradGuard no_grad;
    for (const char* table : tables) {
        CAPTURE(table);
        const auto network = network_of(table, mixed);
        const at::Tensor x = states(), blank = at::full({1, 4}, 3, at::kLong);
        CHECK(std::abs(network->log_marginal(blank).item<float>()) < 1e-5F);
        const at::Tensor logits = network->conditional_logits(x), site = at::arange(40, at::kLong).remainder(4);
        const at::Tensor at_site = logits.gather(1, site.view({-1, 1, 1}).expand({-1, 1, logits.size(2)})).squeeze(1);
        CHECK(at::allclose(network->conditional_at(x, site), at_site, 1e-4, 1e-4));
        const Network::Joint joint = network->joint(x, site.slice(0, 0, 8));
        CHECK(at::allclose(joint.log_marginal, network->log_marginal(x), 1e-4, 1e-4));
        CHECK(at::allclose(joint.logits, at_site.slice(0, 0, 8), 1e-4, 1e-4));
        if (!has_log_marginal_profile(*network)) continue;
        const at::Tensor profile = log_marginal_profile(*network, x);
        CHECK(at::allclose((profile * profile_weights(profile.size(2))).sum({1, 2}), network->log_marginal(x), 1e-4,
                           1e-4));
    }
}

TEST_CASE("a site has no symbols but its own") {
    const at::NoGradGuard no_grad;
    for (const char* table : tables) {
        CAPTURE(table);
        const auto network = network_of(table, mixed);
        const at::Tensor p = network->conditional_logits(states()).select(1, 3).softmax(1);
        CHECK(p.slice(1, 2).max().item<float>() == 0);
        at::Generator generator = make_generator(at::kCPU, 3, 4);
        const at::Tensor drawn = any_order_model(*network)->generate(500, generator, [] {}).x;
        CHECK((drawn.select(1, 3) < 2).all().item<bool>());
        CHECK((drawn.select(1, 1) >= 0).all().item<bool>());
        CHECK((drawn.select(1, 0) < 0).all().item<bool>());
    }
}

TEST_CASE("a new model has independent sites, whose numbers have mean 0 and variance 1") {
    const at::NoGradGuard no_grad;
    for (const char* table : tables) {
        CAPTURE(table);
        const auto network = network_of(table, mixed, 0);
        const at::Tensor blank = at::full({1, 4}, 3, at::kLong);
        const at::Tensor alone = network->conditional_logits(blank), x = states();
        const at::Tensor known = x != 3;
        const at::Tensor sum = (log_conditional(mixed, alone.expand({40, -1, -1}), x) * known).sum(1);
        CHECK(at::allclose(network->log_marginal(x), sum, 1e-4, 1e-4));
        const at::Tensor v = at::linspace(-15, 15, 6001), states = blank.repeat({v.numel(), 1});
        states.select(1, 2).copy_(real_states(v));
        const at::Tensor p = network->log_marginal(states).exp();
        CHECK(at::trapezoid(p, v).item<double>() == doctest::Approx(1).epsilon(1e-4));
        CHECK(at::trapezoid(p * v.square(), v).item<double>() == doctest::Approx(1).epsilon(1e-2));
    }
}

TEST_CASE("networks of symbols alone refuse sites that differ") {
    for (const char* table : {"plugin = \"mps\"\n", "plugin = \"recurrent\"\nwidth = 8\n"})
        CHECK_THROWS_WITH_AS(network_of(table, mixed), doctest::Contains("real numbers or sites of different numbers"),
                             Error);
}

}  // namespace train_mixed_networks
