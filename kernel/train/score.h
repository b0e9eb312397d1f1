// Log-densities of given states: by an energy, or by a trained model.
#pragma once

#include <ostream>
#include <string>

#include "kernel/plugins/plugin_host.h"
#include "kernel/worker/recorder.h"

namespace marginalia {

// Reads states from `source`, a text file of one state a line as the energy or dataset prints them (empty lines are left out;
// "-": standard input), or a .npy file of (N, D) integers, K or -1 being unknown. Writes CSV to `out`, a piece at a time.
//
// Without a checkpoint in the request, of full states by the energy: row,log_f and a column for each observable. With
// one, of full or partial states by the model: row,log_marginal,log_density, the second by the conditionals along one
// random order of the known sites, drawn from request.seed; the first is left out where the objective does not train it.
// All in nats; rows count from 0.
//
// Throws Error naming file and line, or row, of a state that does not fit; rows before it have been written.
void score(const TrialRequest& request, const PluginHost& plugins, const std::string& source, std::ostream& out);

}  // namespace marginalia
