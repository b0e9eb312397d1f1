// Networks whose conditionals correct belief propagation on the known sites.
#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <marginalia/model.h>
#include <marginalia/network_joint.h>
#include <marginalia/orders.h>
#include <torch/script.h>

#include "kernel/worker/checkpoint/checkpoint.h"
#include "kernel/worker/model/belief_base.h"
#include "kernel/worker/model/trial_parts.h"
#include "tests/worker/random_form.h"
#include "tests/worker/trial_refusal.h"

namespace train_belief_base {

using namespace marginalia;

namespace {

using Weights = BeliefBase::Weights;

constexpr const char* mlp = "plugin = \"mlp\"\nhidden = 16\nlayers = 2";

// A tree whose longest path has four pairs, 0 - 1 - 3 - 5 - 6; 1 and 3 are named twice, in both orders.
const Edges tree = {{0, 1}, {1, 2}, {3, 1}, {3, 4}, {5, 3}, {5, 6}, {1, 3}};

Network based(const Domain& domain, const BeliefBase& base) {
    at::Generator weights = make_generator(at::kCPU, 1, 1);
    const auto factory = reinterpret_cast<NetworkFactory>(shipped_plugins().factory("network", "mlp"));
    const std::map<std::string, ParameterValue, std::less<>> values = {
        {"components", std::int64_t{10}}, {"hidden", std::int64_t{8}}, {"layers", std::int64_t{1}}};
    const std::unique_ptr<torch::jit::Module> inner(factory(Params(values), domain, weights));
    const std::unique_ptr<torch::jit::Module> module(with_belief_base(*inner, domain, base));
    return {*module, domain};
}

void shake(const Network& network) {
    const at::NoGradGuard no_grad;
    at::Generator generator = make_generator(at::kCPU, 3, 7);
    for (auto [name, weights] : network.named_parameters())
        weights.add_((name == "base_weights" ? 0.02 : 0.3) * at::randn(weights.sizes(), generator));
}

at::Tensor weights_of_base(const Network& network) { return network.module().attr("base_weights").toTensor(); }

at::Tensor partial_states(const Domain& domain, std::int64_t rows) {
    at::Generator generator = make_generator(at::kCPU, 5, 1);
    const at::Tensor x = at::randint(domain.categories + 1, {rows, domain.sites}, generator, at::kLong);
    return at::cat({at::full({1, domain.sites}, domain.categories, at::kLong), x, x.clamp_max(domain.categories - 1)});
}

TrialRequest request_with(const std::string& energy, const std::string& network, const std::string& train,
                          const std::string& sweeps = "8") {
    return request_of(
        "name = \"t\"\n[energy]\n" + energy + "\n[network]\n" + network +
        "\n[sampler]\nplugin = \"parallel-tempering\"\n[objective]\nplugin = \"mam-heat-bath\"\nsweeps = " + sweeps +
        "\n"
        "[evaluation]\nsamples = 500\nnll_samples = 0\nmarginal_states = 0\n[train]\n" +
        train);
}

const std::string glass = "plugin = \"edwards-anderson\"\nrows = 4\ncolumns = 4\ndisorder_seed = 3\n";
const std::string base = "base = \"belief-propagation\"\n";

}  // namespace

TEST_CASE("on a tree conditionals and marginals are exact before anything is learnt") {
    const at::NoGradGuard no_grad;
    for (const auto& [categories, weights] :
         {std::pair{2, Weights::none}, {3, Weights::none}, {2, Weights::of_edges}, {3, Weights::shared}}) {
        CAPTURE(categories);
        const Domain domain = random_domain({{7}, false}, categories, tree);
        const Network network = based(domain, {16, true, weights});
        const at::Tensor x = partial_states(domain, 30), unknown = (x == categories).unsqueeze(2);
        const at::Tensor log_p = network.conditional_logits(x).to(at::kDouble).log_softmax(2) * unknown;
        CHECK((log_p - exact_log_conditionals(domain, x)).abs().max().item<double>() < 1e-5);
        const at::Tensor exact = exact_log_marginals(domain, x), marginal = network.log_marginal(x);
        CHECK(exact.std().item<double>() > 1);
        CHECK((marginal - exact).abs().max().item<double>() < 1e-5);
        CHECK(std::abs(marginal[0].item<double>()) < 1e-5);
    }
}

TEST_CASE("too few sweeps, or a loop, and it is near what is exact") {
    const at::NoGradGuard no_grad;
    const auto off = [](const Edges& edges, std::int64_t sweeps) {
        const Domain domain = random_domain({{7}, false}, 2, edges);
        const at::Tensor x = partial_states(domain, 30), unknown = (x == 2).unsqueeze(2);
        const at::Tensor p = based(domain, {sweeps, false}).conditional_logits(x).to(at::kDouble).softmax(2) * unknown;
        return (p - exact_log_conditionals(domain, x).exp() * unknown).abs().max().item<double>();
    };
    CHECK(off(tree, 1) > 1e-3);
    Edges looped = tree;
    looped.insert(looped.end(), {{0, 2}, {2, 4}, {4, 6}, {6, 0}, {5, 0}});
    CHECK(off(looped, 30) > 1e-3);
    CHECK(off(looped, 30) < 0.3);
}

TEST_CASE("weights that have learnt nothing are plain belief propagation, and what they learn moves beliefs") {
    const at::NoGradGuard no_grad;
    for (const std::int64_t categories : {2, 3}) {
        CAPTURE(categories);
        const Domain domain = random_domain({{3, 4}, true}, categories, torus_edges(3, 4));
        const Network plain = based(domain, {12, true}), learned = based(domain, {12, true, Weights::of_edges});
        const at::Tensor x = partial_states(domain, 20), logits = plain.conditional_logits(x);
        CHECK(at::allclose(learned.conditional_logits(x), logits, 1e-5, 1e-5));
        CHECK(at::allclose(learned.log_marginal(x), plain.log_marginal(x), 1e-5, 1e-4));
        CHECK(learned.parameters().size() == plain.parameters().size() + 1);
        weights_of_base(learned).add_(0.02);
        CHECK_FALSE(at::allclose(learned.conditional_logits(x), logits, 1e-2, 1e-2));
    }
}

TEST_CASE("the gradient of the base's weights is the slope of what they give") {
    const Domain domain = random_domain({{2, 3}, true}, 3, torus_edges(2, 3));
    const Network network = based(domain, {5, false, Weights::of_edges});
    shake(network);
    for (const at::Tensor& tensor : network.module().parameters()) tensor.set_data(tensor.to(at::kDouble));
    for (const at::Tensor& tensor : network.module().buffers())
        if (tensor.is_floating_point()) tensor.set_data(tensor.to(at::kDouble));
    const at::Tensor x = partial_states(domain, 10);
    const at::Tensor weights = weights_of_base(network);
    const auto value = [&] { return network.conditional_logits(x).log_softmax(2).square().mean(); };
    value().backward();
    at::Generator generator = make_generator(at::kCPU, 8, 1);
    const at::Tensor way = at::randn(weights.sizes(), generator, at::kDouble);
    const at::NoGradGuard no_grad;
    const auto at_step = [&](double step) {
        weights.add_(way, step);
        const double there = value().item<double>();
        weights.sub_(way, step);
        return there;
    };
    const double slope = (at_step(1e-5) - at_step(-1e-5)) / 2e-5;
    CHECK(std::abs(slope) > 1e-2);
    CHECK((weights.grad() * way).sum().item<double>() == doctest::Approx(slope).epsilon(1e-5));
}

TEST_CASE("learned weights keep the symmetry of turned spins, and a site among known neighbours exact") {
    const at::NoGradGuard no_grad;
    const TrialParts parts =
        build_trial(request_with(glass, mlp, base + "base_weights = \"pairs\""), shipped_plugins());
    const at::Tensor weights = weights_of_base(*parts.network);
    at::Generator generator = make_generator(at::kCPU, 3, 7);
    weights.copy_(0.1 * at::randn(weights.sizes(), generator));
    const at::Tensor x = partial_states(parts.domain, 20);
    const auto log_odds = [&](const at::Tensor& states) {
        const at::Tensor logits = parts.network->conditional_logits(states);
        return logits.select(2, 1) - logits.select(2, 0);
    };
    CHECK(log_odds(x).abs().max().item<double>() > 1);
    CHECK(at::allclose(log_odds(at::where(x == 2, x, 1 - x)), -log_odds(x), 1e-4, 1e-4));
    std::vector<std::uint8_t> state(16, 1);
    std::vector<double> exact(2);
    parts.energy->site_log_densities(state, 6, exact);
    at::Tensor but_one = at::ones({1, 16}, at::kLong);
    but_one[0][6] = 2;
    CHECK(log_odds(but_one)[0][6].item<double>() == doctest::Approx(exact[1] - exact[0]).epsilon(1e-5));
}

TEST_CASE("every method of the module is the same function") {
    const at::NoGradGuard no_grad;
    for (const std::int64_t categories : {2, 4})
        for (const auto& [marginals, weights] : {std::pair{false, Weights::none},
                                                 {true, Weights::none},
                                                 {false, Weights::of_edges},
                                                 {true, Weights::shared}}) {
            CAPTURE(categories);
            CAPTURE(marginals);
            const Domain domain = random_domain({{2, 3}, true}, categories, torus_edges(2, 3));
            const Network network = based(domain, {6, marginals, weights});
            shake(network);
            const at::Tensor x = partial_states(domain, 5), site = at::tensor({0, 4, 5, 3}, at::kLong);
            const at::Tensor logits = network.conditional_logits(x).slice(0, 0, 4);
            const at::Tensor right = logits.gather(1, site.view({4, 1, 1}).expand({4, 1, categories})).squeeze(1);
            const Network::Joint joint = network.joint(x, site);
            CHECK(at::allclose(network.conditional_at(x.slice(0, 0, 4), site), right, 1e-5, 1e-5));
            CHECK(at::allclose(joint.logits, right, 1e-5, 1e-5));
            CHECK(at::allclose(joint.log_marginal, network.log_marginal(x), 1e-5, 1e-5));
            CHECK(std::abs(joint.log_marginal[0].item<double>()) < 1e-5);
            const at::Tensor full = x.clamp_max(categories - 1);
            CHECK(at::allclose(network.log_marginal_relaxed(at::one_hot(full, categories).to(at::kFloat)),
                               network.log_marginal(full), 1e-4, 1e-4));
        }
}

TEST_CASE("with a network that has learnt something the conditionals are a distribution over all states of a torus") {
    const at::NoGradGuard no_grad;
    const TrialParts parts =
        build_trial(request_with("plugin = \"edwards-anderson\"\nrows = 3\ncolumns = 3", mlp, base), shipped_plugins());
    shake(*parts.network);
    const at::Tensor states = every_state(parts.domain);
    at::Generator generator = make_generator(at::kCPU, 1, 2);
    const at::Tensor order = random_orders(1, 9, generator, at::kCPU).expand(states.sizes());
    const at::Tensor log_p = log_density_along(*parts.network, states, order, [] {});
    CHECK(log_p.exp().sum().item<double>() == doctest::Approx(1).epsilon(1e-5));
    CHECK(log_p.std().item<double>() > 1);
}

TEST_CASE("at any temperature all is finite, and a site whose neighbours are known is exact") {
    const at::NoGradGuard no_grad;
    for (const double beta : {1.0, 40.0, 1000.0}) {
        CAPTURE(beta);
        const TrialParts parts = build_trial(request_with(glass + "field = 0.3\nbeta = " + std::to_string(beta), mlp,
                                                          base + "base_sweeps = 40\nbase_marginals = true"),
                                             shipped_plugins());
        const at::Tensor x = partial_states(parts.domain, 40);
        const at::Tensor logits = parts.network->conditional_logits(x), marginal = parts.network->log_marginal(x);
        CHECK(logits.isfinite().all().item<bool>());
        CHECK(marginal.isfinite().all().item<bool>());
        std::vector<std::uint8_t> state(16, 1);
        std::vector<double> exact(2);
        parts.energy->site_log_densities(state, 6, exact);
        at::Tensor but_one = at::ones({1, 16}, at::kLong);
        but_one[0][6] = 2;
        const at::Tensor odds = parts.network->conditional_logits(but_one)[0][6];
        const double off = (odds[1] - odds[0]).item<double>() - (exact[1] - exact[0]);
        CHECK(std::abs(off) < 1e-6 * (10 + beta));  // float32 beside couplings of beta
    }
}

TEST_CASE("weights go to and from networks with a base and symmetries, and a checkpoint needs no energy") {
    const std::string lattice = "plugin = \"lattice-conv\"\nchannels = 4\nlayers = 2";
    const TrialParts plain = build_trial(request_with(glass, lattice, ""), shipped_plugins()),
                     both =
                         build_trial(request_with(glass, lattice, base + "symmetries = \"flip\""), shipped_plugins());
    shake(*plain.network);
    load_weights(save_checkpoint(*plain.network, "{}", {}), *both.network);
    const auto names = [](const Network& network) {
        std::set<std::string> all;
        for (const auto& [name, weights] : network.named_parameters()) all.insert(name);
        return all;
    };
    CHECK(names(*plain.network) == names(*both.network));
    const at::NoGradGuard no_grad;
    const at::Tensor x = partial_states(both.domain, 6);
    const at::Tensor here = both.network->conditional_logits(x);
    const at::Tensor turned = both.network->conditional_logits(at::where(x == 2, x, 1 - x));
    CHECK(at::allclose(turned.log_softmax(2), here.flip(2).log_softmax(2), 1e-4, 1e-4));

    const std::string bytes = save_checkpoint(*both.network, "{}", {});
    const TrialParts back = build_trial(request_with(glass, lattice, ""), shipped_plugins());
    load_weights(bytes, *back.network);
    CHECK(at::equal(back.network->log_marginal(x), plain.network->log_marginal(x)));
    const std::string other = "plugin = \"edwards-anderson\"\nrows = 4\ncolumns = 4\ndisorder_seed = 4\n";
    const TrialParts elsewhere =
        build_trial(request_with(other, lattice, base + "symmetries = \"flip\""), shipped_plugins());
    load_weights(bytes, *elsewhere.network);
    CHECK_FALSE(at::allclose(elsewhere.network->conditional_logits(x), here, 1e-2, 1e-2));
    load_checkpoint(bytes, *elsewhere.network);
    CHECK(at::equal(elsewhere.network->conditional_logits(x), here));
}

TEST_CASE("shared weights serve lattices of every size, and mirrored states") {
    const std::string lattice = "plugin = \"lattice-conv\"\nchannels = 4\nlayers = 2";
    const std::string settings = base + "base_weights = \"shared\"\nsymmetries = \"mirror\"";
    const auto ising = [&](const std::string& rows) {
        return build_trial(
            request_with("plugin = \"ising\"\nfield = 0\nrows = " + rows + "\ncolumns = 4", lattice, settings),
            shipped_plugins());
    };
    const TrialParts small = ising("4"), large = ising("6");
    shake(*small.network);
    load_weights(save_checkpoint(*small.network, "{}", {}), *large.network);
    const at::NoGradGuard no_grad;
    CHECK(weights_of_base(*large.network).sizes() == at::IntArrayRef({12, 3, 1}));
    CHECK(at::equal(weights_of_base(*large.network), weights_of_base(*small.network)));
    const at::Tensor x = partial_states(large.domain, 6);
    const auto mirrored = [](const at::Tensor& rows, at::IntArrayRef shape) { return rows.view(shape).flip(2); };
    const at::Tensor image = mirrored(x, {-1, 6, 4}).flatten(1);
    const at::Tensor there = large.network->conditional_logits(image).view({-1, 6, 4, 2}).flip(2).flatten(1, 2);
    CHECK(at::allclose(there, large.network->conditional_logits(x), 1e-4, 1e-4));
}

TEST_CASE("what has no pairs, and what the base would spoil, is refused in a sentence") {
    CHECK(refusal(request_with(glass, "plugin = \"mps\"", base)) ==
          "train.base would end the exact sum rule of this network; leave it out, or use another network, such as "
          "lattice-conv or mlp");
    CHECK(refusal(request_with("plugin = \"ising\"\nfield = 0", mlp,
                               base + "base_weights = \"pairs\"\nsymmetries = \"flip, mirror\"")) ==
          "train.base_weights = \"pairs\" gives every pair of sites weights of its own, and train.symmetries names one "
          "that moves sites; take \"shared\", or name flip, permute and rename alone");
    CHECK_THROWS_WITH_AS(based({7, 2, {{7}, false}}, {4, false}),
                         "train.base = \"belief-propagation\" needs an energy that is a sum of terms of single sites "
                         "and of pairs of sites, all finite and with as many symbols at every site, such as ising, "
                         "potts, edwards-anderson or qubo",
                         Error);
}

TEST_CASE("the first loss on a small glass is far below that of a network alone, and so is the last") {
    const std::string train = "steps = 30\nbatch = 64\nlog_every = 1\nlearning_rate = 3e-3\n";
    MemoryRecorder alone, with;
    run_whole_trial(request_with(glass, mlp, train), shipped_plugins(), alone);
    run_whole_trial(request_with(glass, mlp, train + base), shipped_plugins(), with);
    const double first_alone = alone.metrics.at({"loss", 1}), first_with = with.metrics.at({"loss", 1});
    CHECK(first_alone == doctest::Approx(16 * std::log(2.0)).epsilon(1e-4));
    CHECK(first_with < 0.6 * first_alone);
    CHECK(with.finals.at("kl") < 0.2 * alone.finals.at("kl"));
}

// All three see the same states and the same targets, so that their losses differ by their models alone.
TEST_CASE("a base that learns comes nearer than one that does not, and goes on bit for bit where it was stopped") {
    const std::string train = "steps = 120\nbatch = 64\nlog_every = 1\nlearning_rate = 3e-3\n" + base;
    const auto request_for = [](const std::string& settings) {
        return request_with("plugin = \"edwards-anderson\"\nrows = 6\ncolumns = 6\ndisorder_seed = 3",
                            "plugin = \"mlp\"\nhidden = 2\nlayers = 1", settings, "32");
    };
    const auto late_loss = [](const MemoryRecorder& recorder) {
        double sum = 0;
        for (std::int64_t step = 81; step <= 120; ++step) sum += recorder.metrics.at({"loss", step});
        return sum / 40;
    };
    MemoryRecorder fixed, learned, resumed;
    run_trial(request_for(train), shipped_plugins(), fixed);
    TrialRequest request = request_for(train + "base_weights = \"pairs\"");
    run_trial(request, shipped_plugins(), learned);
    CHECK(learned.metrics.at({"loss", 1}) == doctest::Approx(fixed.metrics.at({"loss", 1})).epsilon(1e-5));
    CHECK(late_loss(learned) < late_loss(fixed) - 0.03);
    resumed.stop_after = 25;
    run_trial(request, shipped_plugins(), resumed);
    request.checkpoint = resumed.checkpoints.back().second;
    resumed.stop_after = -1;
    run_trial(request, shipped_plugins(), resumed);
    CHECK(resumed.metrics.at({"loss", 120}) == learned.metrics.at({"loss", 120}));
}

}  // namespace train_belief_base
