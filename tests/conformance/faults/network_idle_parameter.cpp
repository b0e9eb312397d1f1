// A weight that nothing uses.
// expect: gradients reach every parameter | no gradient of either head reaches 'spare'
#include "faulty_network.h"

static NetworkBuilder build(const Params&, const Domain& domain, at::Generator& generator) {
    NetworkBuilder module = make(domain, generator);
    module.parameter("spare", at::randn({3}, generator));
    return module;
}

MARGINALIA_NETWORK(build, "network-idle-parameter", "a parameter without a gradient", "", no_parameters);
