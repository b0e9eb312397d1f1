// The checks of networks, samplers and objectives, on LibTorch's CPU.
#pragma once

#include <map>
#include <string>

#include "kernel/worker/check/check.h"

namespace marginalia {

// On every domain that the network accepts of a sequence and a torus, or on the one given: shapes, finite values, the
// methods agreeing with one another, gradients, saving, independence of rows, randomness, another device, speed.
void check_network(const CheckTarget&, Checker&);

// With a network, or an energy for samplers that need one, of known distribution over a tiny domain: the draws'
// histogram, the density told of them, randomness, resume, speed.
void check_sampler(const CheckTarget&, Checker&);

// With a network of two tables over a tiny domain, a tiny energy or dataset as `needs` says, and an exact sampler:
// 50 steps lower the true KL of each head that they train, resume equals unbroken.
void check_objective(const CheckTarget&, Checker&);

// By kind, for check_plugin_main.
inline std::map<std::string, KindCheck> torch_checks() {
    return {{"network", check_network}, {"sampler", check_sampler}, {"objective", check_objective}};
}

}  // namespace marginalia
