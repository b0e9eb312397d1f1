// Log-densities of given states: by an energy, or by a trained model.
#pragma once

#include <ostream>

#include "kernel/wire/inference_request.h"
#include "kernel/worker/plugins/plugin_host.h"

namespace marginalia {

// Reads the request's states (see inference.h) and writes CSV to `out`, a batch at a time.
//
// Without a checkpoint in the request, of full states by the energy: row,log_f and a column for each observable. With
// one, of full or partial states by the model: row,log_marginal,log_density, the second by the conditionals along one
// random order of the known sites, drawn from the request's seed; the first is left out where the objective does not
// train it. All in nats; rows count from 0.
//
// Throws Error naming file and line, or row, of a state that does not fit; rows before it have been written.
void score(const InferenceRequest& request, const PluginHost& plugins, std::ostream& out);

}  // namespace marginalia
