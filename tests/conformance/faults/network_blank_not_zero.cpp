// Forgets to subtract the value at all □.
// expect: log_marginal of all □ is 0 | subtract the value at all □
#include "faulty_network.h"

static NetworkBuilder build(const Params&, const Domain& domain, at::Generator& generator) {
    return make(domain, generator, R"(
    def log_marginal(self, x: Tensor) -> Tensor:
        return torch.mv(self.features(x), self.u)
)");
}

MARGINALIA_NETWORK(build, "network-blank-not-zero", "a marginal of nothing that is not 1", "", no_parameters);
