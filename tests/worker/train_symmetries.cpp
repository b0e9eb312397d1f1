// Networks averaged over a group: both heads are left as they are by each of its elements.
#include <doctest/doctest.h>

#include <cmath>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <marginalia/network_joint.h>

#include "kernel/worker/model/symmetries.h"
#include "kernel/worker/model/trial_parts.h"
#include "tests/worker/trial_refusal.h"

namespace train_symmetries {

using namespace marginalia;

namespace {

Domain lattice(std::int64_t rows, std::int64_t columns, std::int64_t categories = 2, bool periodic = true) {
    return {rows * columns, categories, {{rows, columns}, periodic}};
}

std::size_t order_of(const std::string& names, const Domain& domain) { return symmetry_group(names, domain).size(); }

TrialRequest request_with(const std::string& energy, const std::string& network, const std::string& train) {
    return request_of("name = \"t\"\n[energy]\n" + energy + "\n[network]\n" + network +
                      "\n[sampler]\nplugin = \"block-gibbs\"\n[objective]\nplugin = \"mam-energy\"\n[train]\n" + train);
}

const std::string potts = "plugin = \"potts\"\nrows = 3\ncolumns = 3\nstates = 3";
const std::string ising = "plugin = \"ising\"\nrows = 3\ncolumns = 3\nfield = 0.0";

TrialParts shaken(const std::string& energy, const std::string& network, const std::string& symmetries) {
    TrialParts parts =
        build_trial(request_with(energy, network, "symmetries = \"" + symmetries + "\""), shipped_plugins());
    at::Generator generator = make_generator(at::kCPU, 3, 7);
    const at::NoGradGuard no_grad;
    for (at::Tensor weights : parts.network->parameters()) weights.add_(0.3 * at::randn(weights.sizes(), generator));
    return parts;
}

at::Tensor image_of(const Symmetry& element, const at::Tensor& x) {
    return at::tensor(element.symbols, at::kLong).index({x.index_select(1, at::tensor(element.sites, at::kLong))});
}

}  // namespace

TEST_CASE("groups have as many elements as there are images") {
    CHECK(order_of("flip", lattice(3, 4)) == 2);
    CHECK(order_of("permute", lattice(2, 2, 4)) == 24);
    CHECK(order_of("mirror", lattice(3, 4)) == 2);
    CHECK(order_of("rotate", lattice(4, 4)) == 4);
    CHECK(order_of("mirror,rotate", lattice(4, 4)) == 8);
    CHECK(order_of(" flip, mirror , rotate", lattice(4, 4)) == 16);
    CHECK(order_of("shift", lattice(3, 4)) == 12);
    CHECK(order_of("shift", {5, 2, {{5}, true}}) == 5);
}

TEST_CASE("what is no symmetry is refused in a sentence") {
    CHECK_THROWS_WITH_AS(symmetry_group("turn", lattice(3, 3)),
                         "train.symmetries names 'turn'; there are flip, permute, rename, mirror, rotate and shift",
                         Error);
    CHECK_THROWS_WITH_AS(
        symmetry_group("rotate", lattice(3, 4)),
        "the symmetry 'rotate' needs a lattice with as many rows as columns; leave it out of train.symmetries", Error);
    CHECK_THROWS_WITH_AS(symmetry_group("shift", lattice(3, 3, 2, false)),
                         "the symmetry 'shift' needs a periodic lattice; leave it out of train.symmetries", Error);
    CHECK_THROWS_WITH_AS(
        symmetry_group("shift, flip", lattice(16, 16)),
        "train.symmetries = \"shift, flip\" are more than 256 images of a state, and each costs a pass; leave "
        "out 'shift' or 'permute'",
        Error);
    const std::string mlp = "plugin = \"mlp\"\nhidden = 8\nlayers = 1";
    CHECK(refusal(request_with("plugin = \"ising\"\nrows = 3\ncolumns = 3\nfield = 0.1", mlp, "symmetries = \"flip\""))
              .find("the energy does not have the symmetries of train.symmetries: log f is ") == 0);
    CHECK(refusal(request_with("plugin = \"edwards-anderson\"\nrows = 3\ncolumns = 3", mlp, "symmetries = \"shift\""))
              .find("the energy does not have the symmetries") == 0);
    for (const std::string symmetries : {"flip", "rename"})
        CHECK(refusal(request_with(ising, "plugin = \"mps\"", "symmetries = \"" + symmetries + "\""))
                  .find("would end the exact sum rule of this network") != std::string::npos);
    CHECK(refusal(request_with(potts + "\nfield = 0.1", mlp, "symmetries = \"rename\""))
              .find("the energy does not have the symmetries of train.symmetries: log f is ") == 0);
}

TEST_CASE("every element of the group leaves both heads as they are, by every method of the module") {
    const at::NoGradGuard no_grad;
    for (const auto& [energy, symmetries, group] : {std::tuple{ising, "flip, mirror, rotate", "flip, mirror, rotate"},
                                                    {potts, "permute, shift", "permute, shift"},
                                                    {ising, "rename, mirror", "flip, mirror"},
                                                    {potts, "rename", "permute"}})
        for (const std::string network :
             {"plugin = \"mlp\"\nhidden = 16\nlayers = 2", "plugin = \"lattice-conv\"\nchannels = 4\nlayers = 2",
              "plugin = \"transformer\"\nwidth = 16\nlayers = 1\nheads = 2"}) {
            CAPTURE(network);
            CAPTURE(symmetries);
            const TrialParts parts = shaken(energy, network, symmetries);
            const Network& model = *parts.network;
            const std::int64_t categories = parts.domain.categories;
            at::Generator generator = make_generator(at::kCPU, 5, 1);
            const at::Tensor x = at::randint(0, categories + 1, {6, 9}, generator, at::kLong);
            const at::Tensor marginal = model.log_marginal(x), logits = model.conditional_logits(x);
            CHECK(marginal.abs().max().item<double>() > 0.1);
            for (const Symmetry& element : symmetry_group(group, parts.domain)) {
                const at::Tensor image = image_of(element, x);
                CHECK(at::allclose(model.log_marginal(image), marginal, 1e-4, 1e-5));
                const at::Tensor sites = at::tensor(element.sites, at::kLong);
                const at::Tensor kinds = at::tensor(element.symbols, at::kLong).slice(0, 0, categories);
                const at::Tensor there = model.conditional_logits(image).index_select(2, kinds);
                CHECK(at::allclose(there, logits.index_select(1, sites), 1e-4, 1e-5));
            }
            const at::Tensor site = at::tensor({0, 4, 8, 3}, at::kLong);
            const Network::Joint joint = model.joint(x, site);
            const at::Tensor at_sites =
                logits.slice(0, 0, 4).gather(1, site.view({4, 1, 1}).expand({4, 1, categories}));
            CHECK(at::allclose(joint.log_marginal, marginal, 1e-4, 1e-5));
            CHECK(at::allclose(joint.logits, at_sites.squeeze(1), 1e-4, 1e-5));
            CHECK(at::allclose(model.conditional_at(x.slice(0, 0, 4), site), at_sites.squeeze(1), 1e-4, 1e-5));
            const at::Tensor full = x.remainder(categories);
            CHECK(at::allclose(model.log_density(full), model.log_marginal(full), 1e-4, 1e-5));
            if (model.has_relaxed())
                CHECK(at::allclose(model.log_marginal_relaxed(at::one_hot(full, categories).to(at::kFloat)),
                                   model.log_marginal(full), 1e-4, 1e-5));
        }
}

TEST_CASE("a training with symmetries learns no worse, and starts from weights of a network without them") {
    const std::string network = "plugin = \"mlp\"\nhidden = 32\nlayers = 2";
    const std::string train = "steps = 150\nbatch = 64\nlearning_rate = 5e-3\n";
    const std::string evaluation =
        "[evaluation]\nsamples = 2000\nnll_samples = 0\nmarginal_states = 64\nmarginal_time = false\n";
    MemoryRecorder plain, averaged, started;
    const TrialRequest with = request_with(ising, network, train + "symmetries = \"flip, mirror\"\n" + evaluation);
    run_whole_trial(request_with(ising, network, train + evaluation), shipped_plugins(), plain);
    run_whole_trial(with, shipped_plugins(), averaged);
    CHECK(averaged.finals.at("kl") < 0.1);
    CHECK(averaged.finals.at("kl") < plain.finals.at("kl") + 3 * plain.finals.at("kl_stderr"));

    TrialRequest from_plain = request_with(ising, network, "steps = 0\nsymmetries = \"flip, mirror\"\n" + evaluation);
    from_plain.start_from = plain.checkpoints.back().second;
    run_whole_trial(from_plain, shipped_plugins(), started);
    CHECK(started.finals.at("kl") < plain.finals.at("kl") + 5 * plain.finals.at("kl_stderr"));
}

}  // namespace train_symmetries
