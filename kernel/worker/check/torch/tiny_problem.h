// What an objective is tried on: four sites of three categories or so, so that p* is a table.
#pragma once

#include <marginalia/dataset.h>
#include <marginalia/energy.h>
#include <marginalia/objective.h>

#include <memory>

#include "kernel/worker/model/batch_energy.h"

namespace marginalia {

// A random energy, or rows drawn from one, and an exact sampler. Members that `needs` does not name are null, but that
// an objective which names neither gets the energy.
struct TinyProblem {
    // "couplings" among them: the energy is a sum of fields and pairs, and says so.
    TinyProblem(const Domain& domain, const std::vector<std::string>& needs, const at::Device& device);

    // KL in nats between softmax(logits) (K^D) and the target: KL(model || p*) for an energy, KL(data || model) for
    // data.
    double kl(const at::Tensor& logits) const;

    Domain domain;
    at::Device device;      // of the network that learns it; all else is of the CPU
    at::Tensor log_target;  // (K^D) float64: log p*, or of the frequencies of the training rows
    std::unique_ptr<Energy> energy;
    std::unique_ptr<ParallelEnergy> batch_energy;
    std::unique_ptr<Dataset> dataset;
    bool wants_sampler = false;
};

// ", on cuda:0"; nothing where it is the CPU.
inline std::string on_device(const at::Device& device) { return device.is_cpu() ? "" : ", on " + device.str(); }

// B exact independent states by the network's conditionals, each along a random order. Refuses grad mode.
std::unique_ptr<Sampler> make_exact_sampler(std::int64_t batch);

}  // namespace marginalia
