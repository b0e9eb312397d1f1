// Samples said to be exact that are uniform.
// expect: reference samples | are said to be exact, but are not distributed as p*
#include <random>

#include "faulty_energy.h"

struct Fault final : Spins {
    using Spins::Spins;
    std::optional<ReferenceSamples> reference_samples(std::size_t count, std::uint64_t seed) const override {
        std::mt19937_64 random(seed);
        ReferenceSamples samples{{}, true, "independent"};
        for (std::size_t i = 0; i < count * 6; ++i) samples.rows.push_back(random() % 2);
        return samples;
    }
};

MARGINALIA_ENERGY(Fault, "energy-biased-samples", "exact samples of another distribution", "", no_parameters);
