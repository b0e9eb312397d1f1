// Replicas of an energy whose sites may hold real numbers, at several temperatures.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "chains/chains.h"

namespace slice {

// `ensembles` of one replica for each beta, the largest of which, 1, comes first. A sweep draws each site given the
// others: a number by slice sampling, a symbol by heat bath. Each replica has random numbers of its own.
class SliceChains {
public:
    // The energy outlives the object. Throws Error where a replica finds no state of f > 0 to start at.
    SliceChains(const marginalia::Energy& energy, std::int64_t ensembles, std::vector<double> betas, double width,
                at::Generator& generator);

    // Sweeps of every replica; after each, neighbours in temperature swap states as the two distributions allow.
    void advance(std::int64_t sweeps);

    std::int64_t sweeps() const { return sweeps_; }
    at::Tensor coldest() const;  // (ensembles, D) int64 on the CPU
    std::string report() const;
    marginalia::StateDict state() const;
    void load(const marginalia::StateDict& state);

private:
    struct Replica {
        std::vector<std::uint8_t> symbols;
        std::vector<double> numbers;
        double log_f = 0;
        marginalia::FastRandom random{0};
    };

    double log_f_of(const Replica& replica) const;
    void start(Replica& replica) const;
    void sweep(Replica& replica, double beta) const;
    void draw_number(Replica& replica, std::size_t site, double beta) const;
    void draw_symbol(Replica& replica, std::size_t site, double beta) const;
    std::pair<double, double> stepped_out(Replica& replica, std::size_t site, double beta, double height) const;
    double log_f_at(Replica& replica, std::size_t site, double number) const;
    void swap(std::int64_t ensemble, std::int64_t first_level);
    std::int64_t levels() const { return static_cast<std::int64_t>(betas_.size()); }
    Replica& at_level(std::int64_t ensemble, std::int64_t level) {
        return replicas_[static_cast<std::size_t>(ensemble * levels() + level)];
    }

    const marginalia::Energy& energy_;
    const std::vector<std::int64_t> categories_;  // of each site; 0: real
    const std::vector<double> betas_;
    const double width_;
    std::vector<Replica> replicas_;               // by ensemble and level
    std::vector<std::int64_t> tried_, accepted_;  // swaps with the next level, by ensemble and level
    std::int64_t sweeps_ = 0;
};

}  // namespace slice
