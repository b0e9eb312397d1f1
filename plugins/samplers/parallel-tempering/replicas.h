// Ensembles of replicas of an energy at several inverse temperatures that swap states.
#pragma once

#include <string>
#include <vector>

#include "chains/chains.h"

namespace parallel_tempering {

// Where a replica comes from: a round trip is cold, hot, cold.
enum Journey : std::int64_t { nowhere, from_cold, from_hot };

// How the swaps went, in a line: of each level with the next the share that was accepted, and all round trips.
std::string report_of(const std::vector<double>& betas, std::int64_t ensembles, std::int64_t sweeps,
                      const std::vector<double>& shares, std::int64_t trips);

// Level 0 is beta = 1; the replica at each level changes by swaps, the states themselves stay where they are.
class Replicas {
public:
    // betas: by level, falling.
    Replicas(const marginalia::Energy& energy, std::int64_t ensembles, std::vector<double> betas, chains::Start start,
             at::Generator& generator);

    // Sweeps of every replica, each followed by swaps of the even or the odd pairs of neighbouring levels.
    void advance(std::int64_t sweeps);

    std::int64_t sweeps() const { return sweeps_; }  // so far
    at::Tensor coldest() const;                      // (ensembles, D) bytes, the states at level 0
    std::string report() const;                      // swaps accepted, round trips

    marginalia::StateDict state() const;
    void load(const marginalia::StateDict& state);

private:
    std::int64_t& replica_at(std::int64_t ensemble, std::int64_t level) { return replica_at_[index(ensemble, level)]; }
    std::size_t index(std::int64_t ensemble, std::int64_t level) const {
        return static_cast<std::size_t>(ensemble * levels_ + level);
    }
    void sweep(std::int64_t ensemble, std::int64_t number);
    void swap(std::int64_t ensemble, std::int64_t level);
    void note_ends(std::int64_t ensemble);

    const std::vector<double> betas_;
    const std::int64_t levels_, ensembles_;
    chains::Chains chains_;
    std::vector<double> log_f_;             // of each replica, after a sweep
    std::vector<std::int64_t> replica_at_;  // (ensembles, levels): number among all replicas
    std::vector<std::int64_t> journey_;     // of each replica
    std::vector<std::int64_t> tried_;       // (ensembles, levels): swaps of a level with the next
    std::vector<std::int64_t> accepted_;
    std::vector<std::int64_t> trips_;  // of each ensemble
    std::int64_t sweeps_ = 0;
};

}  // namespace parallel_tempering
