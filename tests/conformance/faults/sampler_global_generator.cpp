// Draws with LibTorch's global generator.
// expect: randomness comes from the generator passed | draws from LibTorch's global generator
// expect: resume equals unbroken | draws other states than the unbroken one
#include "faulty_sampler.h"

struct Fault final : Chains {
    using Chains::Chains;
    at::Tensor choose(const at::Tensor& logits, at::Generator&) const override {
        return logits.softmax(1).multinomial(1).squeeze(1);
    }
};

MARGINALIA_SAMPLER(Fault, "sampler-global-generator", "draws that no seed fixes", "", no_parameters);
