// A trained model as a TorchScript file for other programs.
#pragma once

#include <ostream>

#include "kernel/worker/answer/trained_model.h"

namespace marginalia {

// Writes the trial's module, rebuilt from its plugin, with the weights by which `marginals` and `sample` answer
// (averaged where the training averages); the extra file "trial.json" says where it is from, "marginalia.json" what its
// states are: sites, categories, shape, periodic. What the file calls log_marginal is log p_θ of the objective's model,
// tried on partial states. Where the objective reads the network otherwise (its own terms added, or marginals not
// trained), the file's module has the network as `network` and no log_marginal of its own; conditional_logits where
// they are p_φ(x_d | x_S). Returns what the file lacks and why, a line for people; empty: nothing.
//
// Of a model on the CPU. Called with grad mode off. Throws Error.
std::string export_model(const TrainedModel& trained, const std::string& objective, std::ostream& out);

}  // namespace marginalia
