// Draws at temperature 2.
// expect: draws follow the network's distribution | are not distributed as the network says
#include "faulty_sampler.h"

struct Fault final : Chains {
    using Chains::Chains;
    at::Tensor choose(const at::Tensor& logits, at::Generator& generator) const override {
        return sample_symbols(logits / 2, generator);
    }
};

MARGINALIA_SAMPLER(Fault, "sampler-wrong-distribution", "draws at another temperature", "", no_parameters);
