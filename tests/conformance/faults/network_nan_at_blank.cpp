// Divides by the number of known sites, of which all □ has none.
// expect: both heads are finite | log_marginal is NaN at all □
#include "faulty_network.h"

static NetworkBuilder build(const Params&, const Domain& domain, at::Generator& generator) {
    return make(domain, generator, R"(
    def log_marginal(self, x: Tensor) -> Tensor:
        known = (x < self.categories).sum(1).to(self.w.dtype)
        return torch.mv(self.features(x) - self.features(self.blank(x)), self.u) / known
)");
}

MARGINALIA_NETWORK(build, "network-nan-at-blank", "0 / 0 where nothing is known", "", no_parameters);
