// The checks of networks, samplers and objectives, on LibTorch's CPU or, of the last two, on a GPU; and of energies as
// tensors.
#pragma once

#include <c10/core/Device.h>

#include <map>
#include <string>

#include "kernel/worker/check/check.h"

namespace marginalia {

// On every domain that the network accepts of a sequence and a torus, or on the one given: shapes, finite values, the
// methods agreeing with one another, gradients, saving, independence of rows, randomness, another device, speed.
void check_network(const CheckTarget&, Checker&);

// With a network, or an energy for samplers that need one, of known distribution over a tiny domain: the draws'
// histogram, the density told of them, randomness, resume, speed.
void check_sampler(const CheckTarget&, const at::Device&, Checker&);

// With a network of two tables over a tiny domain, a tiny energy or dataset as `needs` says, and an exact sampler:
// 50 steps lower the true KL of each head that they train, resume equals unbroken.
void check_objective(const CheckTarget&, const at::Device&, Checker&);

// Where the energy can be on a device (device_energy.h): its tensors' log f, conditionals of sites and partial
// densities against those of its bytes, and which of them wait. On the CPU.
void check_energy_device(const CheckTarget&, Checker&);

// By kind, for check_plugin_main. `device` has the tiny network on which samplers and objectives are tried.
inline std::map<std::string, KindCheck> torch_checks(const at::Device& device) {
    const auto on_device = [device](void (*check)(const CheckTarget&, const at::Device&, Checker&)) {
        return [=](const CheckTarget& target, Checker& checker) { check(target, device, checker); };
    };
    return {{"network", check_network},
            {"sampler", on_device(check_sampler)},
            {"objective", on_device(check_objective)},
            {"energy", check_energy_device}};
}

}  // namespace marginalia
