// Figures that are sums over all states of a small space, without the noise of drawn ones.
#pragma once

#include <cstdint>

#include "kernel/worker/evaluate/evaluation.h"

namespace marginalia {

// kl_enumerated, forward_kl_enumerated (nats), total_variation_enumerated and chi_squared_enumerated of the model's
// distribution p and the target f / Z, Z the sum of f over all states, with their standard errors. Each state is scored
// along a random order, the 4,096 likeliest of the target along sixteen, so that the figures are their means over
// orders without bias; the errors are those of the sixteen. Empty where the energy has more than `most` states, or
// where log p is no exact density. Asks keep_going as the states are scored; throws Interrupted.
Figures evaluate_enumeration(const TrialParts& parts, const Model& model, std::int64_t most, std::int64_t batch,
                             at::Generator& generator, const KeepGoing& keep_going);

}  // namespace marginalia
