// A weight that nothing uses.
// expect: gradients reach every parameter | no gradient of either head reaches 'spare'
#include "faulty_network.h"

static torch::jit::Module build(const Params&, const Domain& domain, at::Generator& generator) {
    torch::jit::Module module = make(domain, generator);
    module.register_parameter("spare", at::randn({3}, generator).set_requires_grad(true), false);
    return module;
}

MARGINALIA_NETWORK(build, "network-idle-parameter", "a parameter without a gradient", "", no_parameters);
