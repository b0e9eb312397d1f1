// What every network must do, run on every shipped one.
#include <doctest/doctest.h>

#include <ATen/ATen.h>
#include <marginalia/network_joint.h>
#include <marginalia/orders.h>
#include <torch/script.h>

#include "kernel/worker/checkpoint/checkpoint.h"
#include "kernel/worker/model/trial_parts.h"
#include "tests/worker/trial_fixture.h"

namespace train_networks {

using namespace marginalia;

namespace {

struct Case {
    const char* network;
    const char* energy;
};

const Case cases[] = {
    {"plugin = \"mlp\"\nhidden = 16\nlayers = 3", "rows = 3\ncolumns = 4"},
    {"plugin = \"lattice-conv\"\nchannels = 6\nlayers = 2", "rows = 3\ncolumns = 4"},
    {"plugin = \"lattice-conv\"\nchannels = 6\nlayers = 2", "rows = 7\ncolumns = 6"},
    {"plugin = \"lattice-conv\"\nchannels = 6\nlayers = 2", "rows = 3\ncolumns = 4\nboundary = \"open\""},
    {"plugin = \"lattice-conv\"\nchannels = 6\nlayers = 2\nsite_channels = 3", "rows = 3\ncolumns = 4"},
    {"plugin = \"lattice-conv\"\nchannels = 6\nlayers = 2\nsite_channels = 3", "rows = 7\ncolumns = 6"},
    {"plugin = \"lattice-conv\"\nchannels = 6\nlayers = 2\nsite_channels = 3",
     "rows = 3\ncolumns = 4\nboundary = \"open\""},
    {"plugin = \"lattice-conv\"\nchannels = 6\nlayers = 2\ncouplings = true", "rows = 7\ncolumns = 6"},
    {"plugin = \"lattice-conv\"\nchannels = 6\nlayers = 2\nsite_channels = 3\ncouplings = true",
     "rows = 3\ncolumns = 4\nboundary = \"open\""},
    {"plugin = \"graph\"\nlayers = 2\nwidth = 8", "rows = 3\ncolumns = 4"},
};

TrialParts build(const Case& c, std::int64_t seed = 0) {
    const std::string energy = std::string_view(c.energy).find("states") == std::string_view::npos ? "ising" : "potts";
    TrialRequest request =
        request_of("name = \"t\"\n[energy]\nplugin = \"" + energy + "\"\n" + c.energy + "\n[network]\n" + c.network +
                   "\n[sampler]\nplugin = \"block-gibbs\"\n[objective]\nplugin = \"mam-energy\"\n");
    request.seed = seed;
    return build_trial(request, shipped_plugins());
}

// Weights away from the uniform start, so that heads that begin at zero are tested too.
void shake(const Network& network, at::Generator& generator) {
    const at::NoGradGuard no_grad;
    for (at::Tensor parameter : network.parameters())
        parameter.add_(at::randn(parameter.sizes(), generator, parameter.options()), 0.3);
}

at::Tensor random_partial(const Network& network, std::int64_t rows, at::Generator& generator) {
    return at::randint(network.domain().categories + 1, {rows, network.domain().sites}, generator, at::kLong);
}

bool close(const at::Tensor& a, const at::Tensor& b) { return at::allclose(a, b, 1e-4, 1e-4); }

}  // namespace

TEST_CASE("a new network is the uniform distribution") {
    for (const Case& c : cases) {
        CAPTURE(c.network);
        const TrialParts parts = build(c);
        at::Generator generator = make_generator(at::kCPU, 1, 7);
        const at::Tensor x = random_partial(*parts.network, 9, generator);
        const at::Tensor known = (x < 2).sum(1).to(at::kFloat);
        CHECK(close(parts.network->log_marginal(x), known * -std::log(2.0)));
        CHECK(parts.network->conditional_logits(x).abs().max().item<double>() == 0);
    }
}

TEST_CASE("the marginal of the empty set is zero whatever the weights") {
    for (const Case& c : cases) {
        CAPTURE(c.network);
        const TrialParts parts = build(c);
        at::Generator generator = make_generator(at::kCPU, 1, 8);
        shake(*parts.network, generator);
        const at::Tensor blank = at::full({2, parts.domain.sites}, 2, at::kLong);
        CHECK(parts.network->log_marginal(blank).abs().max().item<double>() < 1e-4);
    }
}

TEST_CASE("one site's conditional and the joint pass agree with the full passes") {
    for (const Case& c : cases) {
        CAPTURE(c.network);
        CAPTURE(c.energy);
        const TrialParts parts = build(c);
        at::Generator generator = make_generator(at::kCPU, 1, 9);
        shake(*parts.network, generator);
        const at::Tensor x = random_partial(*parts.network, 11, generator);
        const at::Tensor site = at::randint(parts.domain.sites, {5}, generator, at::kLong);
        const at::Tensor expected = parts.network->conditional_logits(x.slice(0, 0, 5))
                                        .gather(1, site.view({5, 1, 1}).expand({5, 1, 2}))
                                        .squeeze(1);
        CHECK(close(parts.network->conditional_at(x.slice(0, 0, 5), site), expected));
        const auto joint = parts.network->joint(x, site);
        CHECK(close(joint.logits, expected));
        CHECK(close(joint.log_marginal, parts.network->log_marginal(x)));
    }
}

TEST_CASE("rows do not depend on what else is in the batch") {
    for (const Case& c : cases) {
        CAPTURE(c.network);
        const TrialParts parts = build(c);
        at::Generator generator = make_generator(at::kCPU, 1, 10);
        shake(*parts.network, generator);
        const at::Tensor x = random_partial(*parts.network, 6, generator);
        CHECK(close(parts.network->log_marginal(x.slice(0, 2, 3)), parts.network->log_marginal(x).slice(0, 2, 3)));
    }
}

TEST_CASE("gradients reach every parameter") {
    for (const Case& c : cases) {
        CAPTURE(c.network);
        const TrialParts parts = build(c);
        at::Generator generator = make_generator(at::kCPU, 1, 11);
        shake(*parts.network, generator);
        const at::Tensor x = random_partial(*parts.network, 16, generator);
        const auto joint = parts.network->joint(x, at::zeros({16}, at::kLong));
        (joint.log_marginal.square().sum() + joint.logits.square().sum()).backward();
        for (const auto& parameter : parts.network->module().named_parameters()) {
            CAPTURE(parameter.name);
            REQUIRE(parameter.value.grad().defined());
            CHECK(parameter.value.grad().abs().max().item<double>() > 0);
        }
    }
}

TEST_CASE("a checkpoint gives the same network back, and refuses another") {
    const TrialParts parts = build(cases[1]);
    at::Generator generator = make_generator(at::kCPU, 1, 12);
    shake(*parts.network, generator);
    const std::string bytes = save_checkpoint(*parts.network, "{}", {5, {{"sampler", {{"a", at::ones({3})}}}}});
    const TrialParts other = build(cases[1], 3);
    const CheckpointState state = load_checkpoint(bytes, *other.network);
    CHECK(state.step == 5);
    CHECK(at::equal(state.parts.at("sampler").at("a"), at::ones({3})));
    const at::Tensor x = random_partial(*parts.network, 6, generator);
    CHECK(at::equal(parts.network->log_marginal(x), other.network->log_marginal(x)));
    const TrialParts larger = build(cases[2]);
    load_weights(bytes, *larger.network);  // convolutions stand on any lattice
    const TrialParts mlp = build(cases[0]);
    CHECK_THROWS_WITH_AS(
        load_weights(bytes, *mlp.network),
        doctest::Contains(
            "weights 'w1' are [6, 3, 3, 3] of Float in the checkpoint and [16, 36] of Float in the network"),
        Error);
}

TEST_CASE("the marginal of relaxed states is that of full ones, with the gradient of finite differences") {
    for (const Case& c : cases) {
        CAPTURE(c.network);
        const TrialParts parts = build(c);
        at::Generator generator = make_generator(at::kCPU, 1, 14);
        shake(*parts.network, generator);
        REQUIRE(parts.network->has_relaxed());
        const at::Tensor x = at::randint(2, {5, parts.domain.sites}, generator, at::kLong);
        const at::Tensor p = at::one_hot(x, 2).to(at::kFloat).set_requires_grad(true);
        const at::Tensor value = parts.network->log_marginal_relaxed(p);
        CHECK(close(value, parts.network->log_marginal(x)));
        value.sum().backward();
        const at::NoGradGuard no_grad;
        const at::Tensor direction = at::randn(p.sizes(), generator), slope = (p.grad() * direction).sum({1, 2});
        const double step = 2e-3;
        const at::Tensor change = parts.network->log_marginal_relaxed(p + step * direction) -
                                  parts.network->log_marginal_relaxed(p - step * direction);
        CHECK(at::allclose(change / (2 * step), slope, 0.03, 0.03));
    }
}

TEST_CASE("a perceptron of many symbols looks its first layer up, and is what the product of one-hot inputs is") {
    const TrialParts parts = build({"plugin = \"mlp\"\nhidden = 16\nlayers = 3", "rows = 3\ncolumns = 4\nstates = 16"});
    const TrialParts other = build({"plugin = \"mlp\"\nhidden = 16\nlayers = 3", "rows = 3\ncolumns = 4\nstates = 16"});
    Network &network = *parts.network, &same = *other.network;
    at::Generator generator = make_generator(at::kCPU, 1, 15);
    shake(network, generator);
    load_weights(save_checkpoint(network, "{}", {}), same);
    const at::Tensor x = at::randint(16, {5, 12}, generator, at::kLong), site = at::tensor({0, 3, 7, 11, 2}, at::kLong);
    const at::Tensor looked_up = network.log_marginal(x);
    const at::Tensor product = same.log_marginal_relaxed(at::one_hot(x, 16).to(at::kFloat));
    CHECK(close(looked_up, product));
    looked_up.square().sum().backward();
    product.square().sum().backward();
    const auto mine = network.named_parameters(), theirs = same.named_parameters();
    REQUIRE(mine.front().first == "w1");
    CHECK(mine.front().second.stride(0) == 1);  // the weights of a symbol one after another, after loading too
    CHECK(theirs.front().second.stride(0) == 1);
    CHECK(at::allclose(mine.front().second.grad(), theirs.front().second.grad(), 1e-3, 1e-3));
    const at::Tensor partial = x.masked_fill(at::rand(x.sizes(), generator) < 0.5, 16);
    const at::Tensor all = network.conditional_logits(partial).gather(1, site.view({5, 1, 1}).expand({5, 1, 16}));
    CHECK(close(network.joint(partial, site).logits, all.squeeze(1)));
    CHECK(close(network.conditional_at(partial, site), all.squeeze(1)));
}

TEST_CASE("lattice-conv with site channels tells the sites of a torus apart") {
    const TrialParts parts = build(cases[5]);
    at::Generator generator = make_generator(at::kCPU, 1, 15);
    shake(*parts.network, generator);
    const at::Tensor x = random_partial(*parts.network, 4, generator);
    const at::Tensor shifted = x.view({4, 7, 6}).roll({2, 3}, {1, 2}).reshape({4, 42});
    CHECK((parts.network->log_marginal(x) - parts.network->log_marginal(shifted)).abs().min().item<double>() > 1e-3);
    const TrialParts smaller = build(cases[4]);
    const std::string bytes = save_checkpoint(*parts.network, "{}", {});
    CHECK_THROWS_WITH_AS(load_weights(bytes, *smaller.network), doctest::Contains("weights 'sites' are [3, 7, 6]"),
                         Error);
}

TEST_CASE("lattice-conv looks the same from every site of a torus") {
    const TrialParts parts = build(cases[2]);
    at::Generator generator = make_generator(at::kCPU, 1, 13);
    shake(*parts.network, generator);
    const at::Tensor x = random_partial(*parts.network, 4, generator);
    const at::Tensor shifted = x.view({4, 7, 6}).roll({2, 3}, {1, 2}).reshape({4, 42});
    CHECK(close(parts.network->log_marginal(x), parts.network->log_marginal(shifted)));
}

}  // namespace train_networks
