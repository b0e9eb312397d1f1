// Subtracts the batch's mean, as batch normalisation does in training.
// expect: a state's values are its own | use nothing that mixes rows
#include "faulty_network.h"

static NetworkBuilder build(const Params&, const Domain& domain, at::Generator& generator) {
    return make(domain, generator, log_marginal, R"(
    def conditional_logits(self, x: Tensor) -> Tensor:
        h = self.features(x)
        return torch.mm(h - h.mean(0), self.v).view(-1, self.sites, self.categories)
)");
}

MARGINALIA_NETWORK(build, "network-batch-mean", "rows of a batch that mix", "", no_parameters);
