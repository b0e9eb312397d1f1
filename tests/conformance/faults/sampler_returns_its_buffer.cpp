// Returns the chains themselves, which the next draw overwrites.
// expect: a later draw leaves earlier ones alone | return a clone of the chains
#include "faulty_sampler.h"

struct Fault final : Chains {
    using Chains::Chains;
    at::Tensor draw(const Network& network, at::Generator& generator) override {
        Chains::draw(network, generator);
        return chains;
    }
};

MARGINALIA_SAMPLER(Fault, "sampler-returns-its-buffer", "states that the next draw overwrites", "", no_parameters);
