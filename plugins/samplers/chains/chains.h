// What samplers of Markov chains on an energy share: states as bytes, each with random numbers of its own, worked on in
// parallel, and kept in checkpoints.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <marginalia/heat_bath.h>
#include <marginalia/sampler.h>

#include "ahead.h"

namespace chains {

// Which states chains start at.
enum class Start {
    random,  // uniform over all states
    spread,  // all sites 0, all 1, .. all K - 1, and a random state, in turn
};

// The words of Start, for a parameter's choices, and back.
inline constexpr const char* start_words = "random|spread";
Start start_of(const std::string& word);

// The energy of a setup. Throws Error where it has none, or one of other sites or categories than its domain.
const marginalia::Energy& energy_of(const marginalia::TrainingSetup& setup);

// A seed for streams of random numbers, from a generator of any device.
std::uint64_t seed_of(at::Generator& generator);

// `count` states of an energy. Every chain has a stream of random numbers of its own, so that what it does depends on
// neither the number of threads nor the other chains.
class Chains {
public:
    // The streams' seed is drawn from `generator`, and nothing else ever.
    Chains(const marginalia::Energy& energy, std::int64_t count, Start start, at::Generator& generator);

    std::int64_t count() const { return static_cast<std::int64_t>(random_.size()); }
    const marginalia::Energy& energy() const { return energy_; }
    std::span<std::uint8_t> state(std::int64_t chain);
    marginalia::FastRandom& random(std::int64_t chain) { return random_[static_cast<std::size_t>(chain)]; }
    double log_f(std::int64_t chain) { return energy_.log_density(state(chain)); }

    // Chains that started at a state of f = 0 take heat-bath sweeps until they are at a possible one. Throws Error
    // where 1,000 do not suffice.
    void make_possible();

    // The states of all chains, or of those numbered, as (rows, D) bytes on the CPU.
    at::Tensor rows() const;
    at::Tensor rows(const std::vector<std::int64_t>& chains) const;

    // All that the chains are, as tensors "states" and "random", and back.
    void save(marginalia::StateDict& state) const;
    void load(const marginalia::StateDict& state);

private:
    const marginalia::Energy& energy_;
    const std::size_t sites_;
    std::vector<std::uint8_t> bytes_;  // (count, D)
    std::vector<marginalia::FastRandom> random_;
};

// Of samplers that move by sweeps.
constexpr marginalia::Parameter burn_in_parameter(const char* help = "before the first draw, on top of its own") {
    return {.name = "burn_in",
            .type = marginalia::ParameterType::integer,
            .fallback = "100",
            .minimum = 0,
            .maximum = 1e9,
            .unit = "sweeps",
            .help = help};
}

// The parameter whose text start_of takes.
inline constexpr marginalia::Parameter start_parameter = {
    .name = "start",
    .type = marginalia::ParameterType::text,
    .fallback = "\"random\"",
    .choices = start_words,
    .help = "chains start at random states, or at all 0, all 1, .. and a random state in turn"};

// One persistent chain for each state of the batch, each moved by itself; Ahead makes a sampler of it.
class EnergyChains : public Source {
public:
    at::Tensor draw() final;
    std::string report() const override;
    marginalia::StateDict state() const override;
    void load(const marginalia::StateDict& state) override;

protected:
    // Moves are counted in `unit`, "sweeps" or "steps": the name of the parameter that says how many a draw takes, and
    // of their number in checkpoints. The parameters "burn_in" and "start" are read too.
    EnergyChains(const char* unit, const marginalia::Params& params, const marginalia::TrainingSetup& setup,
                 at::Generator& generator);

    // Moves a chain, which is at a state of f > 0, so many times. Called for many chains at once.
    virtual void move(std::int64_t chain, std::int64_t count) = 0;

    std::int64_t done() const { return done_; }  // moves of each chain

    Chains chains_;

private:
    const std::string unit_;
    const std::int64_t per_draw_, burn_in_;
    std::int64_t done_ = 0;
};

// Calls work(i) for i = 0..count - 1 on as many threads as the host allows. Rethrows what one of them threw.
void for_each(std::int64_t count, const std::function<void(std::int64_t)>& work);

// Numbers as a tensor of a checkpoint, and back.
at::Tensor counters(const std::vector<std::int64_t>& values);
std::vector<std::int64_t> counters(const at::Tensor& tensor);

}  // namespace chains
