// Networks over real numbers and mixed columns whose heads correct a learnt mixture of normal densities.
#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <memory>
#include <numbers>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <marginalia/network_joint.h>
#include <marginalia/real_sites.h>
#include <torch/script.h>

#include "kernel/worker/model/mixture_base.h"
#include "tests/worker/trial_refusal.h"

namespace train_mixture_base {

using namespace marginalia;

namespace {

// A number, three symbols, two numbers, two symbols.
const Domain mixed{5, 3, {{5}, false}, {}, {0, 3, 0, 0, 2}};
const std::int64_t mixed_reals[] = {0, 2, 3};

// On a network that says nothing, two densities with random weights.
Network based(std::int64_t densities_of_network = 2) {
    at::Generator generator = make_generator(at::kCPU, 1, 1);
    const auto factory = reinterpret_cast<NetworkFactory>(shipped_plugins().factory("network", "mlp"));
    const std::map<std::string, ParameterValue, std::less<>> values = {
        {"components", densities_of_network}, {"hidden", std::int64_t{8}}, {"layers", std::int64_t{1}}};
    const std::unique_ptr<torch::jit::Module> inner(factory(Params(values), mixed, generator));
    const std::unique_ptr<torch::jit::Module> module(with_mixture_base(*inner, mixed, 2, generator));
    const at::NoGradGuard no_grad;
    module->attr("inner").toModule().attr("b_conditional").toTensor().zero_();
    for (const char* name : {"base_weights", "base_factors", "base_deviations", "base_symbols"}) {
        const at::Tensor weights = module->attr(name).toTensor();
        weights.add_(0.1 * at::randn(weights.sizes(), generator));
    }
    return {*module, mixed};
}

at::Tensor weights_of(const Network& network, const char* name) {
    return 5 * network.module().attr(name).toTensor().to(at::kDouble);
}

// Full and partial states, and all □.
at::Tensor states(std::int64_t count) {
    at::Generator generator = make_generator(at::kCPU, 3, 3);
    const at::Tensor numbers = real_states(at::randn({count, 3}, generator));
    const at::Tensor three = at::randint(3, {count, 1}, generator, at::kLong),
                     two = at::randint(2, {count, 1}, generator, at::kLong);
    const at::Tensor full = at::cat({numbers.slice(1, 0, 1), three, numbers.slice(1, 1), two}, 1);
    const at::Tensor share = at::arange(count).unsqueeze(1) / static_cast<double>(count - 1);
    return full.masked_fill(at::rand({count, 5}, generator) < share, 3);
}

// log p of one row by the mixture, with inverses and determinants of what it knows alone.
double log_p(const Network& network, const at::Tensor& row) {
    std::vector<std::int64_t> reals;
    for (const std::int64_t d : mixed_reals)
        if (row[d].item<std::int64_t>() < 0) reals.push_back(d);
    const at::Tensor index = at::tensor(reals, at::kLong), v = real_values(row).index_select(0, index);
    const at::Tensor share = weights_of(network, "base_weights").softmax(0);
    double p = 0;
    for (std::int64_t m = 0; m < 2; ++m) {
        const at::Tensor lower =
            weights_of(network, "base_factors")[m].tril(-1) + weights_of(network, "base_deviations")[m].exp().diag();
        const at::Tensor all = lower.matmul(lower.t()) + 1e-6 * at::eye(5, at::kDouble);
        const at::Tensor covariance = all.index_select(0, index).index_select(1, index);
        const at::Tensor off = v - weights_of(network, "base_means")[m].index_select(0, index);
        double log_density = std::log(share[m].item<double>());
        if (!reals.empty())
            log_density -= 0.5 * (off.dot(covariance.inverse().mv(off)).item<double>() +
                                  (2 * std::numbers::pi * covariance).det().log().item<double>());
        for (const auto& [d, symbols] : {std::pair<std::int64_t, std::int64_t>{1, 3}, {4, 2}})
            if (const auto symbol = row[d].item<std::int64_t>(); symbol < 3)
                log_density += weights_of(network, "base_symbols")[m][d]
                                   .slice(0, 0, symbols)
                                   .log_softmax(0)[symbol]
                                   .item<double>();
        p += std::exp(log_density);
    }
    return std::log(p);
}

at::Tensor with_site(const at::Tensor& x, const at::Tensor& other, std::int64_t site) {
    const at::Tensor more = x.clone();
    more.select(1, site).copy_(other.select(1, site));
    return more;
}

}  // namespace

TEST_CASE("under a network that says nothing, log p of any part is that of the mixture, and so is every conditional") {
    const at::NoGradGuard no_grad;
    const Network network = based();
    const at::Tensor x = states(40), full = states(40).slice(0, 0, 1).expand({40, -1});
    const at::Tensor marginal = network.log_marginal(x), numbers = network.conditional_logits(x);
    CHECK(marginal.std().item<double>() > 1);
    for (std::int64_t row = 0; row < 40; ++row)
        CHECK(marginal[row].item<double>() == doctest::Approx(log_p(network, x[row])).epsilon(1e-5));
    for (std::int64_t site = 0; site < 5; ++site) {
        CAPTURE(site);
        const at::Tensor unknown = x.select(1, site) == 3, more = with_site(x, full, site);
        const at::Tensor conditional = log_conditional(mixed, numbers, more).select(1, site);
        const at::Tensor rule = marginal + conditional - network.log_marginal(more);
        CHECK(unknown.sum().item<std::int64_t>() > 8);
        CHECK(rule.masked_select(unknown).abs().max().item<double>() < 1e-4);
    }
}

TEST_CASE("a mixture's heads agree with each other, and all of its weights learn") {
    const Network network = based(6);
    const at::Tensor x = states(40), site = at::arange(40, at::kLong).remainder(5);
    const at::Tensor logits = network.conditional_logits(x);
    const at::Tensor at_site = logits.gather(1, site.view({-1, 1, 1}).expand({-1, 1, logits.size(2)})).squeeze(1);
    CHECK(at::allclose(network.conditional_at(x, site), at_site, 1e-4, 1e-4));
    const Network::Joint joint = network.joint(x, site.slice(0, 0, 8));
    CHECK(at::allclose(joint.log_marginal, network.log_marginal(x), 1e-4, 1e-4));
    CHECK(at::allclose(joint.logits, at_site.slice(0, 0, 8), 1e-4, 1e-4));
    joint.log_marginal.sum().backward();
    for (const char* name : {"base_weights", "base_means", "base_factors", "base_deviations", "base_symbols"}) {
        CAPTURE(name);
        const at::Tensor slope = network.module().attr(name).toTensor().grad();
        CHECK(slope.isfinite().all().item<bool>());
        CHECK(slope.abs().max().item<double>() > 1e-3);
    }
}

TEST_CASE("normal numbers are learnt with their covariance, and a trial goes on bit for bit where it was stopped") {
    const auto request_with = [](const std::string& train) {
        return request_of(
            "name = \"t\"\n[energy]\nplugin = \"gaussian-mixture\"\ndimensions = 6\nmodes = 1\nspread = 1\n"
            "covariance = \"random\"\nseed = 3\n[network]\nplugin = \"mlp\"\nhidden = 16\nlayers = 1\ncomponents = 2\n"
            "[sampler]\nplugin = \"exact\"\n[objective]\nplugin = \"mam-joint\"\npenalty = 0.1\n[evaluation]\n"
            "samples = 500\nnll_samples = 500\nmarginal_states = 60\nmarginal_time = false\n"
            "[train]\nsteps = 400\nbatch = 128\nlearning_rate = 5e-3\nschedule = \"cosine\"\n" +
            train);
    };
    MemoryRecorder alone, with, stopped;
    run_whole_trial(request_with(""), shipped_plugins(), alone);
    TrialRequest request = request_with("base = \"gaussian-mixture\"\n");
    run_whole_trial(request, shipped_plugins(), with);
    CHECK(with.finals.at("marginal_rmse") < 0.1);
    CHECK(with.finals.at("marginal_rmse") < 0.3 * alone.finals.at("marginal_rmse"));
    CHECK(std::abs(with.finals.at("kl")) < 0.05);
    stopped.stop_after = 150;
    run_trial(request, shipped_plugins(), stopped);
    request.checkpoint = stopped.checkpoints.back().second;
    stopped.stop_after = -1;
    run_trial(request, shipped_plugins(), stopped);
    CHECK(stopped.metrics.at({"loss", 400}) == with.metrics.at({"loss", 400}));
}

TEST_CASE("symbols alone, and densities that cannot be shared, are refused in a sentence") {
    const auto request_with = [](const std::string& energy, const std::string& network) {
        return request_of("name = \"t\"\n[energy]\n" + energy + "\n[network]\n" + network +
                          "\n[sampler]\nplugin = \"ancestral\"\n[objective]\nplugin = \"mam-energy\"\n[train]\n"
                          "base = \"gaussian-mixture\"\nbase_components = 4\n");
    };
    CHECK(refusal(request_with("plugin = \"ising\"\nrows = 2\ncolumns = 2", "plugin = \"mlp\"")) ==
          "train.base = \"gaussian-mixture\" is for real numbers and tables of mixed columns, and here all sites have "
          "the same symbols; leave it out");
    CHECK(refusal(request_with("plugin = \"many-well\"\ndimensions = 4", "plugin = \"mlp\"\ncomponents = 10")) ==
          "the network has 10 densities a site, which 4 of train.base_components cannot share evenly; let "
          "network.components be a multiple of it, such as 12");
}

}  // namespace train_mixture_base
