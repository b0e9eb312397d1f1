// Chains on an energy that is on a device, the CPU standing for one: what they draw against the exact probabilities of
// all states, resume, and that they copy nothing and wait for nothing.
#include <doctest/doctest.h>

#include <cmath>
#include <iostream>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <marginalia/device_energy.h>
#include <marginalia/energy_states.h>
#include <marginalia/sampler.h>

#include "kernel/worker/check/torch/network_probe.h"
#include "kernel/worker/check/torch/table_network.h"
#include "kernel/worker/machine/device_waits.h"
#include "kernel/worker/model/trial_parts.h"
#include "tests/plugins/energy_enumeration.h"

namespace train_device_chains {

using namespace marginalia;
using energy_plugin::Words;

namespace {

// The network that chains on the energy do not look at.
const Network& some_network() {
    static const auto network = [] {
        const Domain domain = domain_of(tiny_domain());
        const at::Tensor logits = at::zeros({all_states(domain).size(0)});
        return make_table_network(domain, logits, logits);
    }();
    return *network;
}

// A sampler of a plugin on the energy's tensors.
struct Sampling {
    Sampling(const std::string& plugin, const Words& words, const Energy& energy, std::int64_t batch,
             std::int64_t seed = 0)
        : device(device_energy(energy, at::kCPU)), generator(make_generator(at::kCPU, seed, 5)) {
        at::set_num_threads(1);  // of many small operators threads only wait for one another
        const TrainingSetup setup{
            {energy.sites(), energy.categories(), energy.layout()}, batch, at::kCPU, &energy, device.get()};
        const auto& descriptor = energy_plugin::descriptor(plugin);
        const auto create = reinterpret_cast<SamplerFactory>(descriptor.create);
        sampler.reset(create(energy_plugin::params_of(descriptor, words), setup, generator));
    }
    at::Tensor draw() { return sampler->draw(some_network(), generator); }

    std::unique_ptr<const DeviceEnergy> device;
    at::Generator generator;
    std::unique_ptr<Sampler> sampler;
};

struct Chosen {
    const char* plugin;
    Words words;
};

const std::string energies = std::string(MARGINALIA_SOURCE_DIR) + "/plugins/energies/";
const std::vector<Chosen> small_energies{
    {"ising", {{"rows", "3"}, {"columns", "3"}, {"coupling", "0.4"}, {"field", "0.1"}}},
    {"edwards-anderson", {{"rows", "2"}, {"columns", "4"}, {"disorder", "gaussian"}, {"disorder_seed", "2"}}},
    {"potts", {{"states", "3"}, {"rows", "2"}, {"columns", "3"}, {"coupling", "0.8"}, {"field", "0.4"}}},
    {"qubo", {{"file", energies + "qubo/example.qubo"}, {"problem", "qubo"}, {"beta", "0.7"}}},
    {"rbm",
     {{"weights", energies + "rbm/example_weights.npy"},
      {"visible_bias", energies + "rbm/example_visible_bias.npy"},
      {"hidden_bias", energies + "rbm/example_hidden_bias.npy"}}}};

// One draw of independent chains after a burn-in, as frequencies of all states.
void check_frequencies(const Chosen& chosen, const std::string& sampler, const Words& words, std::int64_t chains) {
    CAPTURE(std::string(chosen.plugin));
    CAPTURE(sampler);
    const auto energy = energy_plugin::make(chosen.plugin, chosen.words);
    Sampling sampling(sampler, words, *energy, chains, 3);
    const energy_enumeration::Enumeration all(*energy);
    const double sigma = energy_enumeration::chi_square_sigma(all, to_bytes(sampling.draw()));
    std::cout << chosen.plugin << ", " << sampler << " on a device: chi-square " << sigma << " sigma, "
              << sampling.sampler->report() << "\n";
    CHECK(std::abs(sigma) < 4);
}

const std::vector<Chosen> samplers{{"single-site-gibbs", {{"burn_in", "3"}, {"start", "spread"}}},
                                   {"parallel-tempering", {{"temperatures", "4"}, {"burn_in", "3"}}}};

// f = 1 for states that have no site of symbol 2, else 0, of which the energy on the device knows.
struct NoTwos final : DeviceEnergy {
    NoTwos() : DeviceEnergy(at::kCPU, 4, 3, false) {
        for (std::int64_t site = 0; site < 4; ++site) colours_.push_back(at::tensor({site}, at::kLong));
    }
    at::Tensor log_densities(const at::Tensor& x) const override {
        return at::zeros({x.size(0)}, at::kDouble).masked_fill((x == 2).any(1), -INFINITY);
    }
    at::Tensor site_log_densities(const at::Tensor& x, std::size_t site) const override {
        std::vector<at::Tensor> values;
        for (std::int64_t k = 0; k < 3; ++k) {
            at::Tensor changed = x.clone();
            changed.select(1, static_cast<std::int64_t>(site)).fill_(k);
            values.push_back(log_densities(changed));
        }
        return at::stack(values, 1).unsqueeze(1);
    }
};

}  // namespace

TEST_CASE("states of heat-bath chains on a device are as likely as they must be (4 sigma)") {
    for (const Chosen& chosen : small_energies)
        check_frequencies(chosen, "single-site-gibbs", {{"burn_in", "40"}}, 4000);
}

TEST_CASE("states at beta = 1 of parallel tempering on a device are as likely as they must be (4 sigma)") {
    for (const Chosen& chosen : small_energies)
        check_frequencies(chosen, "parallel-tempering", {{"temperatures", "4"}, {"burn_in", "40"}}, 2000);
    check_frequencies(small_energies[0], "parallel-tempering",
                      {{"temperatures", "3"}, {"hottest", "0"}, {"ladder", "linear"}, {"burn_in", "40"}}, 2000);
}

TEST_CASE("swaps join what plain chains do not, on a device as on the host") {
    // Two phases, which single sites do not leave: chains that start in one are found in both alike.
    const auto energy =
        energy_plugin::make("ising", {{"rows", "4"}, {"columns", "4"}, {"coupling", "1"}, {"field", "0"}});
    const auto up = [&](const std::string& plugin, const Words& words) {
        Sampling sampling(plugin, words, *energy, 100);
        StateDict state = sampling.sampler->state();
        state["states"].fill_(1);
        sampling.sampler->load(state);
        return (sampling.draw().sum(1) > 8).sum().item<std::int64_t>();
    };
    CHECK(up("single-site-gibbs", {{"burn_in", "200"}}) == 100);
    const auto found = up("parallel-tempering", {{"temperatures", "8"}, {"hottest", "0.2"}, {"burn_in", "400"}});
    CHECK(std::abs(static_cast<double>(found) - 50) < 4 * 5);  // 4 sigma of 100 fair coins
}

TEST_CASE("the report of replicas on a device counts swaps and round trips as the host's does") {
    const auto energy = energy_plugin::make("edwards-anderson", {{"rows", "4"}, {"columns", "4"}, {"beta", "1.5"}});
    const Words words{{"temperatures", "4"}, {"sweeps", "2000"}};
    Sampling there("parallel-tempering", words, *energy, 8);
    there.draw();
    TrainingSetup setup{{16, 2, energy->layout()}, 8, at::kCPU, energy.get()};
    const auto& descriptor = energy_plugin::descriptor("parallel-tempering");
    at::Generator generator = make_generator(at::kCPU, 1, 5);
    const std::unique_ptr<Sampler> here(reinterpret_cast<SamplerFactory>(descriptor.create)(
        energy_plugin::params_of(descriptor, words), setup, generator));
    here->draw(some_network(), generator);
    const auto figures = [](const std::string& report) {
        CAPTURE(report);
        double mean = 0, least = 0, hotter = 0, colder = 0, trips = 0;
        REQUIRE(std::sscanf(report.c_str(),
                            "8 ensembles of 4 replicas, 2100 sweeps each; swaps accepted: mean %lf, least %lf "
                            "between beta %lf and %lf; %lf round trips",
                            &mean, &least, &hotter, &colder, &trips) == 5);
        return std::array{mean, least, trips};
    };
    const auto a = figures(there.sampler->report()), b = figures(here->report());
    CHECK(std::abs(a[0] - b[0]) < 0.02);  // 25,000 tries of each pair
    CHECK(std::abs(a[1] - b[1]) < 0.02);
    CHECK(a[2] == doctest::Approx(b[2]).epsilon(0.1));
    CHECK(a[2] > 500);
}

TEST_CASE("a resume on a device goes on bit for bit, the report too") {
    const auto energy = energy_plugin::make("potts", small_energies[2].words);
    for (const auto& [plugin, words] : samplers) {
        CAPTURE(std::string(plugin));
        Sampling unbroken(plugin, words, *energy, 6, 1), resumed(plugin, words, *energy, 6, 2);
        const at::Tensor first = unbroken.draw();
        const StateDict state = unbroken.sampler->state();
        const at::Tensor random = unbroken.generator.get_state();
        const at::Tensor next = unbroken.draw();
        CHECK(!at::equal(first, next));
        resumed.sampler->load(state);
        resumed.generator.set_state(random);
        CHECK(at::equal(resumed.draw(), next));
        CHECK(resumed.sampler->report() == unbroken.sampler->report());
        Sampling few(plugin, words, *energy, 3);
        CHECK_THROWS_AS(few.sampler->load(state), Error);
    }
}

TEST_CASE("replicas of a checkpoint are each there once") {
    const auto energy = energy_plugin::make("ising", small_energies[0].words);
    Sampling sampling("parallel-tempering", samplers[1].words, *energy, 2);
    StateDict state = sampling.sampler->state();
    state["replica_at"].fill_(1);
    CHECK_THROWS_WITH_AS(sampling.sampler->load(state), "the checkpoint's 'replica_at' has not each replica once",
                         Error);
    state["replica_at"] = at::zeros({2, 3}, at::kLong);
    CHECK_THROWS_WITH_AS(sampling.sampler->load(state), "the checkpoint's 'replica_at' do not fit these replicas",
                         Error);
}

TEST_CASE("a draw on a device copies nothing and waits for nothing") {
    for (const Chosen& chosen : small_energies)
        for (const auto& [plugin, words] : samplers) {
            CAPTURE(std::string(chosen.plugin));
            CAPTURE(std::string(plugin));
            const auto energy = energy_plugin::make(chosen.plugin, chosen.words);
            Sampling sampling(plugin, words, *energy, 5);
            WaitCounter counter;
            sampling.draw();
            sampling.draw();
            const DeviceWaits found = counter.take();
            CHECK(found.text() == "");
            CHECK(found.to_host + found.to_device == 0);
        }
}

TEST_CASE("the heat bath walks out of impossible states and never into one, at beta 0 neither") {
    const NoTwos energy;
    at::Generator generator = make_generator(at::kCPU, 4, 5);
    at::Tensor x = at::full({3000, 4}, 2, at::kLong);
    const at::Tensor all_alike = heat_bath_probabilities(energy, x, 0);
    CHECK(at::allclose(all_alike, at::full_like(all_alike, 1.0 / 3)));
    const at::Tensor betas = at::tensor({0.0, 0.5, 1.0}, at::kDouble).repeat({1000}).view({-1, 1, 1});
    for (int sweep = 0; sweep < 60; ++sweep) heat_bath_sweep(energy, x, betas, generator);
    CHECK((x == 2).sum().item<std::int64_t>() == 0);
    const double ones = x.sum().item<double>();
    CHECK(std::abs(ones - 6000) < 4 * std::sqrt(3000));  // 4 sigma of 12,000 fair coins
}

}  // namespace train_device_chains
