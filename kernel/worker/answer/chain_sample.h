// States of the trial's energy, or of its model under a constraint, by chains of independent proposals.
#pragma once

#include <functional>
#include <string>

#include "kernel/worker/answer/independence_chains.h"
#include "kernel/worker/answer/trained_model.h"

namespace marginalia {

// Whether the request asks for states that the model does not draw as they are.
bool wants_chains(const InferenceRequest& request);

// Draws request.count states, handed to `write` piece by piece, and returns lines for a person: how the chains went,
// and what is not to be believed of it. What is drawn follows, once the chains have settled,
//   --metropolis             f / Z
//   --holding                what the model draws, given that it holds what it must
//   both                     f / Z, given that
// log_p is the model's density in each. Where proposals of both together are seldom accepted, or where request.exchange
// asks for it, exchanges of symbols on the energy come between them. Throws Error where the request needs an energy
// that the trial does not have, or its model has no exact density.
std::string sample_by_chains(const InferenceRequest& request, const TrainedModel& trained, at::Generator& generator,
                             const Tick& tick, const std::function<void(const Weighed&)>& write);

}  // namespace marginalia
