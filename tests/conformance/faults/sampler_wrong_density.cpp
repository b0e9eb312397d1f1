// Tells the density of a uniform draw, and draws by the network.
// expect: the density of the draws | give the normalised density with which each state was drawn
#include "faulty_sampler.h"

struct Fault final : Chains {
    using Chains::Chains;
    at::Tensor log_density() const override { return at::full({chains.size(0)}, -4 * std::log(3.0), at::kDouble); }
};

MARGINALIA_SAMPLER(Fault, "sampler-wrong-density", "a density that is not that of its draws", "", no_parameters);
