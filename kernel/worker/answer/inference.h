// Answers about states: by a trained model, or by an energy.
#pragma once

#include <ostream>

#include "kernel/wire/inference_request.h"
#include "kernel/worker/plugins/plugin_host.h"

namespace marginalia {

// Does what the request says and writes the answer to `out` or, where it names a file, to that file whole or not at
// all, its name then going to `out`. What is written to `out` comes a batch at a time.
//
//   score      see score.h
//   sample     `count` states drawn as the objective's model draws them, with their log p; those of the energy, or
//              with given numbers of symbols, see chain_sample.h
//   complete   each given partial state `count` times, its unknown sites drawn given the known ones, with
//              log p(x_rest | x_S)
//   export_model  the network as a TorchScript file, see export_model.h
//   marginals  log p_θ(x_S) of given full or partial states, in one pass; memory does not grow with their number
//   figures    of regions and pairs of sites, see figures.h
//
// Given states come from a text file of one a line as the energy or dataset prints them (□ or _ for unknown; empty
// lines are left out; "-": standard input) or a .npy file of (N, D) integers, K or -1 being unknown. Forms of what is
// written: see kernel/worker/states/state_writer.h. The same seed, count, batch and device give the same states.
//
// Throws Error naming file and line, or row, of a state that does not fit, and for what the model cannot do.
void infer(const InferenceRequest& request, const PluginHost& plugins, std::ostream& out);

}  // namespace marginalia
