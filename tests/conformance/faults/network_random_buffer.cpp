// Random features in a buffer: checkpoints restore parameters only.
// expect: parameters are all there is to keep | look at the buffers 'scale'
#include "faulty_network.h"

static NetworkBuilder build(const Params&, const Domain& domain, at::Generator& generator) {
    return make(domain, generator, log_marginal, R"(
    def conditional_logits(self, x: Tensor) -> Tensor:
        return torch.mm(self.features(x) * self.scale, self.v).view(-1, self.sites, self.categories)
)");
}

MARGINALIA_NETWORK(build, "network-random-buffer", "random features that a resume loses", "", no_parameters);
