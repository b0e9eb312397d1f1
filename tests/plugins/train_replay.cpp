// The replay buffer: its states against the exact probabilities of all states, whatever the model, on the host and as
// on a device.
#include <doctest/doctest.h>

#include <cmath>
#include <iostream>

#include <ATen/ATen.h>
#include <marginalia/device_energy.h>
#include <marginalia/energy_states.h>
#include <marginalia/sampler.h>

#include "kernel/worker/check/torch/table_network.h"
#include "kernel/worker/model/trial_parts.h"
#include "tests/plugins/energy_enumeration.h"

namespace train_replay {

using namespace marginalia;
using energy_enumeration::Enumeration;
using energy_plugin::Words;

namespace {

// A cold magnet of six spins: its two phases, which single-site chains seldom leave, have the weights 0.69
// and 0.31.
const Words magnet{{"rows", "2"}, {"columns", "3"}, {"coupling", "0.85"}, {"field", "0.07"}};

// A model that is p ∝ exp(logits) in every order; logits by the number of the state.
std::unique_ptr<Network> network_of(const Energy& energy, const at::Tensor& logits) {
    return make_table_network({energy.sites(), energy.categories(), energy.layout()}, logits, logits);
}

// log f of all states: the model that is the target itself.
at::Tensor log_f_of(const Enumeration& all) {
    return at::tensor(std::vector<double>(all.log_f), at::TensorOptions(at::kDouble));
}

// Far from the target: it is hotter, and log p is off by a nat either way at every state.
at::Tensor poor(const Enumeration& all) {
    at::Generator generator = make_generator(at::kCPU, 4, 4);
    return 0.5 * log_f_of(all) + at::randn({static_cast<std::int64_t>(all.log_f.size())}, generator, at::kDouble);
}

struct Sampling {
    Sampling(const Words& words, const Energy& energy, const at::Tensor& logits, std::int64_t batch,
             bool on_device = false, std::int64_t seed = 0)
        : generator(make_generator(at::kCPU, seed, 5)), network(network_of(energy, logits)) {
        if (on_device) there = device_energy(energy, at::kCPU);
        const TrainingSetup setup{network->domain(), batch, at::kCPU, &energy, there.get()};
        const auto& descriptor = energy_plugin::descriptor("replay");
        const auto create = reinterpret_cast<SamplerFactory>(descriptor.create);
        sampler.reset(create(energy_plugin::params_of(descriptor, words), setup, generator));
    }
    at::Tensor draw(int times = 1) {
        at::Tensor x;
        for (int i = 0; i < times; ++i) x = sampler->draw(*network, generator);
        return x;
    }

    std::unique_ptr<const DeviceEnergy> there;
    at::Generator generator;
    std::unique_ptr<Network> network;
    std::unique_ptr<Sampler> sampler;
};

// Of `draws` draws the last one: 4,000 chains as frequencies of all states.
double sigma_of(const Words& words, bool on_device, int draws) {
    const auto energy = energy_plugin::make("ising", magnet);
    const Enumeration all(*energy);
    Sampling sampling(words, *energy, poor(all), 4000, on_device);
    const double sigma = energy_enumeration::chi_square_sigma(all, to_bytes(sampling.draw(draws)));
    std::cout << "replay" << (on_device ? " on a device" : "") << ": chi-square " << sigma << " sigma, "
              << sampling.sampler->report() << "\n";
    return sigma;
}

std::string failure(const std::function<void()>& work) {
    try {
        work();
    } catch (const Error& error) {
        return error.what();
    }
    return "";
}

}  // namespace

TEST_CASE("a poor model gives both phases of a magnet their weights, which chains alone do not (4 sigma)") {
    const Words moved{{"every", "1"}, {"share", "1"}, {"burn_in", "5"}};
    for (const bool on_device : {false, true}) {
        CHECK(std::abs(sigma_of(moved, on_device, 30)) < 4);
        CHECK(sigma_of({{"share", "0"}, {"burn_in", "5"}}, on_device, 30) > 20);
    }
    Words few = moved;
    few["passes"] = "2";
    CHECK(std::abs(sigma_of(few, false, 60)) < 4);
}

TEST_CASE("a model that is the target is accepted always, and alone draws it") {
    const auto energy = energy_plugin::make("ising", magnet);
    const Enumeration all(*energy);
    Sampling sampling({{"sweeps", "0"}, {"every", "1"}, {"share", "0.5"}, {"burn_in", "0"}}, *energy, log_f_of(all),
                      4000);
    const at::Tensor x = sampling.draw(3);  // each half of the buffer once
    CHECK(std::abs(energy_enumeration::chi_square_sigma(all, to_bytes(x))) < 4);
    CHECK(sampling.sampler->report() ==
          "4000 states, 3 draws; 2 rounds of 2000 proposals by the model, accepted 1.000, in the last round 1.000");
}

TEST_CASE("a buffer gives its states in turn, and is never smaller than a batch") {
    const auto energy = energy_plugin::make("ising", magnet);
    const at::Tensor flat = at::zeros({64});
    Sampling ten({{"buffer", "10"}, {"sweeps", "0"}, {"burn_in", "0"}}, *energy, flat, 4);
    const at::Tensor first = ten.draw(), second = ten.draw(), third = ten.draw();
    CHECK(at::equal(third.slice(0, 2, 4), first.slice(0, 0, 2)));
    CHECK(!at::equal(second, first));
    CHECK(ten.sampler->report() == "10 states, 3 draws");
    Sampling small({{"buffer", "3"}}, *energy, flat, 4);
    CHECK(small.draw().size(0) == 4);
    CHECK(small.sampler->report() == "4 states, 1 draws");
}

TEST_CASE("a resume between two rounds goes on bit for bit, the report too") {
    const auto energy = energy_plugin::make("ising", magnet);
    const Enumeration all(*energy);
    const Words words{{"buffer", "11"}, {"every", "2"}, {"share", "0.5"}, {"burn_in", "1"}};
    for (const bool on_device : {false, true}) {
        Sampling unbroken(words, *energy, poor(all), 4, on_device, 1),
            resumed(words, *energy, poor(all), 4, on_device, 2);
        unbroken.draw(5);
        StateDict state;
        for (const auto& [name, tensor] : unbroken.sampler->state()) state[name] = tensor.clone();
        resumed.generator.set_state(unbroken.generator.get_state());
        const at::Tensor next = unbroken.draw(7);
        resumed.sampler->load(state);
        CHECK(at::equal(resumed.draw(7), next));
        CHECK(resumed.sampler->report() == unbroken.sampler->report());
        CHECK(unbroken.sampler->report().starts_with("11 states, 12 draws; 5 rounds of 6 proposals by the model, "));
    }
}

TEST_CASE("what a buffer cannot do or take up is one sentence") {
    const auto energy = energy_plugin::make("ising", magnet);
    const at::Tensor flat = at::zeros({64});
    CHECK(failure([&] { Sampling({{"sweeps", "0"}, {"share", "0"}}, *energy, flat, 2); }) ==
          "with sweeps = 0 and share = 0 no state would ever change; raise one of them");
    Sampling few({{"buffer", "5"}}, *energy, flat, 2), more({{"buffer", "6"}}, *energy, flat, 2);
    CHECK(failure([&] { more.sampler->load(few.sampler->state()); }) ==
          "the checkpoint holds 5 chains of 30 symbols in all where the sampler has 6 of 36; go on with the batch and "
          "the parameters that it was saved with");
    StateDict state = few.sampler->state();
    state["places"] = at::tensor({3, 5, 0}, at::kLong);
    CHECK(failure([&] { few.sampler->load(state); }) == "the checkpoint goes on at state 5 of a buffer of 5");
    state["places"] = at::tensor({3, 0, -1}, at::kLong);
    CHECK(failure([&] { few.sampler->load(state); }) == "the checkpoint goes on at state -1 of a buffer of 5");
}

}  // namespace train_replay
