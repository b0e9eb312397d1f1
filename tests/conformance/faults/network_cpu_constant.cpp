// A constant that is always made on the CPU.
// expect: another device | make them with device=x.device
#include "faulty_network.h"

static NetworkBuilder build(const Params&, const Domain& domain, at::Generator& generator) {
    return make(domain, generator, log_marginal, R"(
    def conditional_logits(self, x: Tensor) -> Tensor:
        prior = torch.arange(self.categories)
        return torch.mm(self.features(x), self.v).view(-1, self.sites, self.categories) + prior
)");
}

MARGINALIA_NETWORK(build, "network-cpu-constant", "a constant that stays on the CPU", "", no_parameters);
