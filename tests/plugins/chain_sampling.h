// Samplers of chains on an energy, made from their plugins.
#pragma once

#include <memory>
#include <string>

#include <ATen/ATen.h>
#include <marginalia/sampler.h>

#include "kernel/worker/check/torch/network_probe.h"
#include "kernel/worker/check/torch/table_network.h"
#include "kernel/worker/model/trial_parts.h"
#include "tests/plugins/energy_plugin.h"

namespace chain_sampling {

// The network that chains on the energy do not look at.
inline const marginalia::Network& some_network() {
    static const auto network = [] {
        const marginalia::Domain domain = marginalia::domain_of(marginalia::tiny_domain());
        const at::Tensor logits = at::zeros({marginalia::all_states(domain).size(0)});
        return marginalia::make_table_network(domain, logits, logits);
    }();
    return *network;
}

// A sampler of a plugin with the generator it is made from.
struct Sampling {
    Sampling(const std::string& plugin, const energy_plugin::Words& words, const marginalia::Energy& energy,
             std::int64_t batch, std::int64_t seed = 0, const at::Device& device = at::kCPU)
        : generator(marginalia::make_generator(at::kCPU, seed, 5)) {
        marginalia::TrainingSetup setup{{energy.sites(), energy.categories(), energy.layout()}, batch, device, &energy};
        const auto& descriptor = energy_plugin::descriptor(plugin);
        const auto create = reinterpret_cast<marginalia::SamplerFactory>(descriptor.create);
        sampler.reset(create(energy_plugin::params_of(descriptor, words), setup, generator));
    }
    at::Tensor draw() { return sampler->draw(some_network(), generator); }

    at::Generator generator;
    std::unique_ptr<marginalia::Sampler> sampler;
};

}  // namespace chain_sampling
