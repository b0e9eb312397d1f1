// Replicas of an energy that is on the trial's device: Replicas (replicas.h) by tensors, the host waiting for nothing.
#pragma once

#include <string>
#include <vector>

#include "chains/device_chains.h"

namespace parallel_tempering {

class DeviceReplicas {
public:
    // betas: by level, falling. `generator` is of the energy's device.
    DeviceReplicas(const marginalia::DeviceEnergy& energy, std::int64_t ensembles, std::vector<double> betas,
                   chains::Start start, at::Generator& generator);

    // Sweeps of every replica, each followed by swaps of the even or the odd pairs of neighbouring levels.
    void advance(std::int64_t sweeps, at::Generator& generator);

    std::int64_t sweeps() const { return sweeps_; }  // so far
    at::Tensor coldest() const;                      // (ensembles, D) int64, the states at level 0
    std::string report() const;                      // swaps accepted, round trips; waits for the device

    marginalia::StateDict state() const;
    void load(const marginalia::StateDict& state);

private:
    at::Tensor beta_by_replica() const;  // (ensembles * levels)
    void swap(std::int64_t first_level, at::Generator& generator);
    void note_ends();

    const std::vector<double> betas_;
    const std::int64_t levels_, ensembles_;
    chains::DeviceChains chains_;  // replica r of ensemble e is chain e * levels + r
    at::Tensor beta_of_level_;     // (levels) float64
    at::Tensor replica_at_;        // (ensembles, levels) int64: which replica of the ensemble
    at::Tensor journey_;           // (ensembles, levels) int64, of each replica, as in Replicas
    at::Tensor accepted_;          // (levels - 1) int64: swaps of a level with the next, in all ensembles
    at::Tensor trips_;             // (1) int64: round trips of all ensembles
    std::int64_t sweeps_ = 0;
};

}  // namespace parallel_tempering
